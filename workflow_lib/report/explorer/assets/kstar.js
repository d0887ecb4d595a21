// Linked views of a k* study: strips, map, sample, list. One selection and one chosen sample for all of them.

const SHADES = 16; // of k*, from dark blue to yellow (cividis)
const CIVIDIS = ["#00224e", "#00306f", "#213d6b", "#36496b", "#48566c", "#57636f", "#666f73", "#747c78", "#828a78", "#929877", "#a2a774", "#b3b66f", "#c5c568", "#d7d55e", "#eae651", "#fee838"];

/** Everything of a point that the views need, decoded. */
async function loadPoint(study, entry) {
  const samples = await loadSamples(contents.samples[entry.samples]);
  const names = ["kappa", "foreign", "piece", "prediction", "confidence", "label_probability", "censored", "suspects", "doubtful"];
  const arrays = await Promise.all(names.map((name) => element(entry[name])));
  const point = Object.fromEntries(names.map((name, i) => [name, arrays[i]]));
  const { labels } = samples;
  return {
    ...point,
    entry,
    samples,
    labels,
    count: samples.entry.count,
    classes: samples.entry.classes,
    sizes: entry.sizes,
    patterns: entry.patterns,
    patternColours: entry.patterns.map((pattern) => contents.patternColours[pattern] || "#767676"),
    kstar: Float64Array.from(point.kappa, (kappa, i) => kappa / entry.sizes[labels[i]]),
    neighbours: entry.near ? await element(entry.near.element) : null,
  };
}

const loadedSamples = new Map();
async function loadSamples(entry) {
  if (!loadedSamples.has(entry)) {
    const sounds = entry.media?.sounds;
    const parts = [entry.ids, entry.labels, entry.media?.rows, entry.media?.texts, sounds?.rows, sounds?.sizes];
    const [ids, labels, some, texts, heard, sizes] = await Promise.all(parts.map(element));
    const places = (rows) => {
      const found = rows && new Int32Array(entry.count).fill(-1);
      if (rows) rows.forEach((row, place) => (found[row] = place));
      return found;
    };
    loadedSamples.set(entry, { entry, ids, labels, pictured: places(some), texts, heard: places(heard), sizes });
  }
  return loadedSamples.get(entry);
}

/** The views in `box`; `show(study, entry)` shows a point and keeps chosen sample and selection where it can. */
function kstarView(box) {
  const find = (selector) => box.querySelector(selector);
  const [aside, method, colour, pieces, count] = [".sample", ".method", ".colour", ".piece", ".count"].map(find);
  const events = { over: hover, click: choose, boxed: selectRegion };
  const strips = stripsView(find(".strips"), events);
  const map = mapView(find(".map"), events);
  const list = listView(find(".list"), choose);
  const selected = { classes: new Set(), patterns: new Set(), piece: -1, region: null };
  let point = null;
  let chosen = -1;
  let hovered = -1;
  let order = [];
  let showing = 0;

  method.addEventListener("change", () => layoutMap().then(paint));
  colour.addEventListener("change", paint);
  pieces.addEventListener("change", () => {
    selected.piece = Number(pieces.value);
    select();
  });
  find(".clear").addEventListener("click", clear);
  document.addEventListener("keydown", (event) => {
    const typing = event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key.toLowerCase() !== "p" || typing || box.hidden) return;
    if (hovered >= 0 || box.contains(event.target)) find(".sample .play")?.click();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
    if (event.target.tagName !== "CANVAS") return;
    const step = { ArrowDown: -1, ArrowLeft: -1, ArrowUp: 1, ArrowRight: 1 }[event.key];
    if (!step || !order.length) return;
    event.preventDefault();
    const place = order.indexOf(chosen);
    choose(order[Math.min(Math.max(place < 0 ? 0 : place + step, 0), order.length - 1)]);
  });
  window.addEventListener("resize", () => {
    if (point && !box.hidden) layout().then(paint);
  });

  async function show(study, entry) {
    const asked = ++showing;
    const next = await loadPoint(study, entry);
    if (asked !== showing) return;
    const same = point && point.samples === next.samples;
    point = next;
    if (!same) {
      [chosen, selected.region, selected.piece] = [-1, null, -1];
      selected.classes.clear();
      selected.patterns.clear();
      const colours = point.classes.map((_, label) => contents.classColours[label]);
      find(".classes").replaceChildren(...point.classes.map((name, label) => toggle(colours[label], name, () => flip(selected.classes, label))));
    }
    const present = Object.keys(contents.patternColours).filter((pattern) => point.patterns.includes(pattern));
    find(".patterns").replaceChildren(...present.map((pattern) => toggle(contents.patternColours[pattern], pattern, () => flip(selected.patterns, pattern))));
    const wanted = method.value;
    method.replaceChildren(...Object.keys(entry.maps).map((name) => new Option(METHODS[name] || name, name, false, name === wanted)));
    method.closest("label").hidden = !Object.keys(entry.maps).length;
    await layout();
    if (asked === showing) select();
  }

  async function layout() {
    strips.layout(point);
    await layoutMap();
  }

  async function layoutMap() {
    map.layout(await element(point.entry.maps[method.value]), point.count);
  }

  function flip(set, value) {
    if (!set.delete(value)) set.add(value);
    selected.piece = -1;
    select();
  }

  function selectRegion(region) {
    selected.region = region.some((inside) => inside) ? region : null;
    select();
  }

  function clear() {
    const something = selected.classes.size || selected.patterns.size || selected.region;
    selected.classes.clear();
    selected.patterns.clear();
    [selected.region, selected.piece] = [null, -1];
    if (!something) choose(-1);
    select();
  }

  /** Bring all views to the selection. */
  function select() {
    const { classes, patterns, piece, region } = selected;
    const any = classes.size || patterns.size || region;
    const inside = (i) =>
      (!classes.size || classes.has(point.labels[i])) &&
      (!patterns.size || patterns.has(point.patterns[point.labels[i]])) &&
      (piece < 0 || point.piece[i] - 1 === piece) &&
      (!region || region[i]);
    point.mask = any ? Uint8Array.from(point.labels, (_, i) => inside(i)) : null;
    order = Array.from(point.kappa.keys()).filter((i) => point.kappa[i] && (!point.mask || point.mask[i]));
    order.sort((a, b) => point.kstar[a] - point.kstar[b] || a - b);
    find(".classes").querySelectorAll("button").forEach((button, label) => button.setAttribute("aria-pressed", String(classes.has(label))));
    find(".patterns").querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(patterns.has(button.textContent))));
    offerPieces();
    count.textContent = any ? `${point.mask.reduce((sum, one) => sum + one, 0)} of ${point.count} samples selected` : `${point.count} samples`;
    list.show(point);
    paint();
  }

  /** Pieces can be selected where one class is. */
  function offerPieces() {
    const [label] = selected.classes;
    const sizes = [];
    if (selected.classes.size === 1) point.piece.forEach((piece, i) => piece && point.labels[i] === label && (sizes[piece - 1] = (sizes[piece - 1] || 0) + 1));
    const offered = Array.from(sizes.slice(0, 50), (size, piece) => new Option(`${piece}: ${size} samples`, piece, false, piece === selected.piece));
    pieces.replaceChildren(new Option(sizes.length ? "all" : "choose one class first", -1), ...offered);
    pieces.value = selected.piece;
    pieces.disabled = !sizes.length;
  }

  function paint() {
    const by = {
      class: () => [point.labels, point.classes.map((_, label) => contents.classColours[label])],
      pattern: () => [point.labels, point.patternColours],
      kstar: () => [Uint8Array.from(point.kstar, (kstar) => Math.min(Math.floor(kstar * SHADES), SHADES - 1)), CIVIDIS],
    };
    const [colours, palette] = by[colour.value]();
    find(".shades").hidden = colour.value !== "kstar";
    strips.draw(colours, palette, point.mask);
    map.draw(colours, palette, point.mask);
    mark();
  }

  function mark() {
    const row = hovered >= 0 ? hovered : chosen;
    if (row !== Number(aside.dataset.row ?? -2) || aside.dataset.of !== String(showing)) showSample(aside, point, row, choose);
    aside.dataset.of = showing;
    const marked = [row, row < 0 ? -1 : point.foreign[row] - 1, neighboursOf(point, row)];
    strips.mark(...marked);
    map.mark(...marked);
  }

  function hover(row) {
    if (row === hovered || !point) return;
    hovered = row;
    mark();
  }

  function choose(row) {
    [chosen, hovered] = [row, -1];
    mark();
    list.highlight(row);
  }

  return { show, placeOf: (row) => ({ strips: strips.placeOf(row), map: map.placeOf(row) }), point: () => point, player };
}
