// The choices of study and point, and what they show.

const METHODS = { tsne: "t-SNE", umap: "UMAP", isomap: "Isomap", pca: "PCA" };
const WHAT = { image: "pictures", text: "texts", audio: "spectrograms" };
const NAMES = { "not computed": "not computed yet", outdated: "outdated", damaged: "damaged", "no room": "without room in the page" };

(function explorer() {
  const find = (selector) => section.querySelector(selector);
  const [choices, lost, slider] = [find(".choices"), find(".lost"), find(".prototypes .interval")];
  const boxes = { kstar: find(".kstar"), prototypes: find(".prototypes") };
  const views = { kstar: kstarView(boxes.kstar), prototypes: prototypesView(boxes.prototypes) };
  let study, values;

  slider.querySelector("input").addEventListener("input", (event) => set("interval", intervals()[event.target.value]));

  const entries = () => study.shown;
  const ofPrototypes = () => study.family === "prototypes";
  const intervals = () => [...new Set(entries().map((entry) => entry.values.interval))].sort((a, b) => a - b);

  function open(next) {
    study = next;
    values = { ...entries()[0].values, ...(ofPrototypes() ? { layer: Object.keys(study.shown[0].layers)[0] } : {}) };
    for (const [family, box] of Object.entries(boxes)) box.hidden = family !== study.family;
    show();
  }

  /** Change one value; the others stay where the study has such a point, else the most alike point is shown. */
  function set(dimension, value) {
    const wanted = { ...values, [dimension]: value };
    const alike = (entry) => Object.keys(entry.values).filter((d) => entry.values[d] === wanted[d]).length;
    const possible = dimension === "layer" && ofPrototypes() ? entries() : entries().filter((entry) => entry.values[dimension] === value);
    const best = possible.reduce((a, b) => (alike(b) > alike(a) ? b : a));
    values = { ...wanted, ...best.values };
    show();
  }

  function show() {
    const entry = entries().find((one) => Object.keys(one.values).every((d) => one.values[d] === values[d]));
    const labels = [choice("Study", contents.studies.map((one) => `${one.title}`), contents.studies.indexOf(study), (i) => open(contents.studies[i]))];
    for (const dimension of Object.keys(entry.values)) {
      const all = [...new Set(entries().map((one) => one.values[dimension]))];
      if (all.every((value) => typeof value === "number")) all.sort((a, b) => a - b);
      const slid = dimension === "interval" && ofPrototypes();
      if (all.length > 1 && !slid) labels.push(choice(dimension, all.map((value) => (dimension === "interval" ? `${value} %` : value)), all.indexOf(values[dimension]), (i) => set(dimension, all[i])));
    }
    if (ofPrototypes()) {
      const layers = Object.keys(entry.layers);
      if (!layers.includes(values.layer)) values.layer = layers[0];
      if (layers.length > 1) labels.push(choice("layer", layers, layers.indexOf(values.layer), (i) => set("layer", layers[i])));
      slider.hidden = intervals().length < 2;
      const input = slider.querySelector("input");
      input.max = intervals().length - 1;
      input.value = intervals().indexOf(values.interval);
      slider.querySelector("output").textContent = `${values.interval} %`;
    }
    const focused = choices.contains(document.activeElement) ? document.activeElement.name : null;
    choices.replaceChildren(...labels);
    if (focused) choices.querySelector(`select[name="${focused}"]`)?.focus();
    lost.textContent = leftOut(entry).join(" ");
    section.dataset.shown = "";
    const shown = ofPrototypes() ? views.prototypes.show(entry, values.layer) : views.kstar.show(study, entry);
    shown.then(() => (section.dataset.shown = JSON.stringify(values)));
  }

  /** Sentences on what is not in the page. */
  function leftOut(entry) {
    const sentences = [];
    if (contents.absent.length) sentences.push(`Studies that are not shown: ${contents.absent.join("; ")}.`);
    const total = entries().length + Object.values(study.lost).reduce((sum, one) => sum + one, 0);
    for (const [why, count] of Object.entries(study.lost)) sentences.push(`${count} of ${total} ${ofPrototypes() ? "sets" : "points"} of this study are not shown: ${NAMES[why]}.`);
    if (ofPrototypes()) {
      if (entry.of > entry.classes.length) sentences.push(`The first ${entry.classes.length} of ${entry.of} classes are shown; means are over all.`);
      return sentences;
    }
    const samples = contents.samples[entry.samples];
    if (samples.count < samples.of) sentences.push(`${samples.count} of ${samples.of} samples are shown, drawn evenly from the classes; k* is among all.`);
    if (samples.media && samples.media.count < samples.count) sentences.push(`${samples.media.count} of ${samples.count} samples have ${WHAT[samples.media.kind]}, the most suspicious ones first.`);
    if (samples.media?.kind === "audio") {
      const heard = samples.media.sounds?.count || 0;
      if (!heard) sentences.push("Sounds cannot be played: when the page was made, their files or the extra sound were missing, or there was no room.");
      else if (heard < samples.count) sentences.push(`${heard} of ${samples.count} samples can be played, the most suspicious ones first.`);
    }
    if (!entry.near) sentences.push("Nearest neighbours of this point are not in the page.");
    else if (entry.near.count < samples.count) sentences.push(`${entry.near.count} of ${samples.count} samples have nearest neighbours, those with the smallest κ.`);
    if (entry.values.transform !== "original" && samples.media) sentences.push("Pictures show the images before the transform.");
    return sentences;
  }

  const look = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    look.disconnect();
    open(contents.studies[0]);
  });
  look.observe(section);
  section.latentAtlas = views.kstar;
})();
