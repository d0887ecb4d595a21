// The sample under the pointer, or the chosen one, with its nearest foreign sample and its nearest neighbours.

/** Fill `aside` with sample `row` of a point; `choose` is called with the sample that was clicked. */
function showSample(aside, point, row, choose) {
  aside.replaceChildren();
  aside.dataset.row = row;
  if (row < 0) {
    aside.append(make("p", "muted", "Point at a sample in one of the views, or go through the list."));
    return;
  }
  const name = (label) => (label >= 0 ? point.classes[label] : "another class");
  const picture = drawSample(point.samples, row, 112);
  if (picture) aside.append(picture);
  const play = playButton(point.samples, row);
  if (play) aside.append(play);
  if (point.samples.entry.media?.kind === "audio") aside.append(make("p", "muted", "Spectrogram: time to the right, pitch upwards."));
  const foreign = point.foreign[row] - 1;
  const label = point.labels[row];
  const prediction = point.prediction && point.prediction[row] - 1;
  const known = point.kappa[row] > 0;
  const censored = point.censored && point.censored[row];
  const bound = censored ? "at least " : "";
  aside.append(
    terms([
      ["sample", point.samples.ids[row]],
      ["class", name(label)],
      ["prediction", prediction === null ? null : prediction < 0 ? "a class that the dataset lacks" : name(prediction)],
      ["confidence", confidenceOf(point, row, name)],
      ["κ", known ? `${bound}${point.kappa[row]}` : "left out: it has no k*"],
      ["k*", known ? `${bound}${point.kstar[row].toFixed(4)} (κ of ${point.sizes[label]} in its class)` : null],
      ["piece", point.piece[row] ? `${point.piece[row] - 1}${point.piece[row] === 1 ? ", the largest of its class" : " of its class (0 is the largest)"}` : "not known"],
      ["pattern", `class is ${point.patterns[label]}`],
    ]),
  );
  const shown = (other, extra) => {
    const button = make("button", extra, drawSample(point.samples, other, 48), make("span", "", name(point.labels[other])));
    button.type = "button";
    button.title = point.samples.ids[other];
    button.addEventListener("click", () => choose(other));
    return button;
  };
  if (known) {
    const why = censored ? "farther than the neighbours searched" : "a sample that is not on this page";
    aside.append(make("h4", "", "Nearest sample of another class"), make("div", "row", foreign >= 0 ? shown(foreign, "foreign") : why));
  }
  const near = neighboursOf(point, row);
  if (near.length) aside.append(make("h4", "", "Nearest neighbours"), make("div", "row", ...near.map((other) => shown(other, other === foreign ? "foreign" : ""))));
  else aside.append(make("p", "muted", "Its nearest neighbours are not on this page."));
}

/** Nearest neighbours of a sample, nearest first; none where they are not in the page. */
function neighboursOf(point, row) {
  if (!point.neighbours || row < 0) return [];
  const { k } = point.entry.near;
  return Array.from(point.neighbours.subarray(row * k, row * k + k), (other) => other - 1).filter((other) => other >= 0);
}

const PROBABILITY = 65534; // stands for 1; numbers are one higher, as 0 stands for none

/** How sure the network is of its prediction and of the sample's own class, in words; null where it is not known. */
function confidenceOf(point, row, name) {
  const said = point.confidence?.[row];
  if (!said) return null;
  const own = point.label_probability?.[row];
  const right = point.prediction[row] - 1 === point.labels[row];
  return percent((said - 1) / PROBABILITY) + (right || !own ? "" : `; in its own class ${name(point.labels[row])}: ${percent((own - 1) / PROBABILITY)}`);
}

/** A share in per cent with one decimal; shares that would look like none or all are said to be below or above. */
function percent(share) {
  if (share < 0.0005) return "< 0.1\u00a0%";
  return share > 0.9995 ? "> 99.9\u00a0%" : `${(100 * share).toFixed(1)}\u00a0%`;
}
