// Prototypes of a study: the matrix of images, and the entry under the pointer with its C and R and the way it took.

/** The views in `box`; `show(set, layer)` shows a set of prototypes. */
function prototypesView(box) {
  const canvas = box.querySelector("canvas");
  const aside = box.querySelector(".entry");
  let set, layer, data, image;
  let chosen = [0, 0];
  let hovered = null;
  let showing = 0;

  canvas.addEventListener("pointermove", (event) => hover(cellAt(event)));
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("click", (event) => choose(cellAt(event) || chosen));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(chosen.map((place, d) => Math.min(Math.max(place + step[d], 0), set.classes.length - 1)));
  });
  window.addEventListener("resize", () => image && !box.hidden && draw());

  async function show(next, nextLayer) {
    const asked = ++showing;
    const names = ["image", "crossing", "trajectory", "confidence", "trajectory_confidence", "steps", "converged", "predicted", "crossing_step", "trajectory_step"];
    const tensors = next.layers[nextLayer] || {};
    const values = await Promise.all([...names.map((name) => element(next[name])), ...Object.values(tensors).map(element)]);
    const loaded = new Image();
    loaded.src = values[0];
    await loaded.decode();
    if (asked !== showing) return;
    [set, layer, image] = [next, nextLayer, loaded];
    data = Object.fromEntries([...names, ...Object.keys(tensors)].map((name, i) => [name, values[i]]));
    chosen = chosen.map((place) => Math.min(place, set.classes.length - 1));
    draw();
    describe();
  }

  let head = FLAT;
  const margin = () => Math.min(20 + 7 * Math.max(...set.classes.map((name) => name.length)), 90);

  function draw() {
    const n = set.classes.length;
    const width = Math.max(canvas.parentElement.clientWidth, 200);
    const left = margin();
    const cell = (width - left) / n;
    const tall = (cell * set.height) / set.width;
    head = heightOfNames(set.classes, cell);
    const context = sized(canvas, width, head + tall * n);
    const ink = colourOf("--ink", "#1c1c1c");
    context.imageSmoothingEnabled = cell < set.width;
    context.drawImage(image, left, head, width - left, tall * n);
    context.font = FONT;
    context.fillStyle = ink;
    context.textBaseline = "middle";
    set.classes.forEach((name, i) => {
      writeName(context, name, left + cell * (i + 0.5), 0, head, false);
      context.textAlign = "right";
      context.fillText(fitted(context, name, left - 8), left - 6, head + tall * (i + 0.5));
    });
    const [target, origin] = hovered || chosen;
    for (let k = 0; k < n; k++) {
      for (let j = 0; j < n; j++) {
        const [x, y] = [left + cell * j, head + tall * k];
        context.lineWidth = 1;
        context.strokeStyle = colourOf("--paper", "#fff");
        context.strokeRect(x, y, cell, tall);
        if (!data.converged[k * n + j]) {
          context.strokeStyle = "#d55e00";
          context.lineWidth = 2;
          context.beginPath();
          context.moveTo(x + 2, y + tall - 2);
          context.lineTo(x + cell - 2, y + 2);
          context.stroke();
        }
      }
    }
    const frame = (k, j, down, across, colour, line) => {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(left + cell * j, head + tall * k, cell * across, tall * down);
    };
    frame(0, origin, n, 1, "#e69f00", 2);
    frame(target, 0, 1, n, "#56b4e9", 2);
    frame(target, origin, 1, 1, "#d55e00", 4);
  }

  function describe() {
    const [k, j] = hovered || chosen;
    const n = set.classes.length;
    const at = k * n + j;
    const cut = (name, place, columns, size) => MEDIA.image({ ...set, sheets: [set[name]], each: Infinity, columns }, place, size);
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const classOf = (label) => set.classes[label] ?? `class ${label}, not shown here`;
    const mean = (name) => (data[name] ? number(data[name][at]) : null);
    aside.dataset.entry = `${k} ${j}`;
    aside.replaceChildren(
      cut("image", at, n, 128),
      terms([
        ["target", set.classes[k]],
        ["origin", k === j ? `${set.classes[j]}: the class prototype, started from noise` : `the prototype of ${set.classes[j]}`],
        ["prediction", classOf(data.predicted[at])],
        ["confidence", percent(data.confidence[at])],
        ["steps", `${data.steps[at]}${data.converged[at] ? ", converged" : ", not converged"}`],
        ["mean C", mean("mean_C")],
        ["mean R", mean("mean_R")],
      ]),
      make("h4", "", "The way it took"),
      way(k, j, cut, percent),
    );
    if (!data.C) {
      aside.append(make("p", "muted", "C and R of this layer are not there."));
      return;
    }
    const row = (tensor) => Array.from(set.classes, (_, m) => data[tensor][at * n + m]);
    aside.append(
      make(
        "div",
        "pair",
        make("div", "", make("h4", "", "C: same origin (orange column), other target"), bars("C", row("C"), k)),
        make("div", "", make("h4", "", "R: same target (blue row), other origin"), bars("R", row("R"), j)),
      ),
    );
  }

  /** Pictures from the start to the end: snapshots of a class prototype, else start, crossing and end. */
  function way(k, j, cut, percent) {
    const n = set.classes.length;
    const stop = (picture, ...lines) => make("div", "", picture, ...lines.map((line) => make("span", "", line)));
    const stops = [];
    if (k === j) {
      for (let s = 0; s < set.snapshots; s++) {
        const at = k * set.snapshots + s;
        const steps = data.trajectory_step[at] - 1;
        if (steps >= 0) stops.push(stop(cut("trajectory", at, set.snapshots, 56), `${steps} steps`, percent(data.trajectory_confidence[at])));
      }
    } else {
      const step = data.crossing_step[k * n + j] - 1;
      stops.push(stop(cut("image", j * n + j, n, 56), "start"));
      if (step >= 0) {
        stops.push(stop(cut("crossing", 2 * (k * n + j), 2 * n, 56), "last before", `step ${step - 1}`));
        stops.push(stop(cut("crossing", 2 * (k * n + j) + 1, 2 * n, 56), "first after", `step ${step}`));
      }
      stops.push(stop(cut("image", k * n + j, n, 56), "end", `step ${data.steps[k * n + j]}`));
    }
    return make("div", "way", ...stops);
  }

  /** Values of 0 to 2 as bars, without the entry's own. */
  function bars(tensor, values, own) {
    const most = Math.max(...values.filter((_, m) => m !== own), 1e-9);
    const lines = values.flatMap((value, m) => {
      if (m === own) return [];
      const bar = make("i", "");
      bar.style.width = `${(100 * value) / most}%`;
      const text = make("span", "", number(value));
      text.dataset.value = `${tensor} ${m} ${value}`;
      return [make("span", "", set.classes[m]), bar, text];
    });
    return make("div", "bars", ...lines);
  }

  const number = (value) => (Number.isNaN(value) ? "–" : value.toFixed(3));

  function cellAt(event) {
    const box = canvas.getBoundingClientRect();
    const left = margin();
    const n = set.classes.length;
    const column = Math.floor(((event.clientX - box.left - left) / (box.width - left)) * n);
    const row = Math.floor(((event.clientY - box.top - head) / (box.height - head)) * n);
    return column >= 0 && row >= 0 && column < n && row < n ? [row, column] : null;
  }

  function hover(cell) {
    if (!set || String(cell) === String(hovered)) return;
    hovered = cell;
    draw();
    describe();
  }

  function choose(cell) {
    [chosen, hovered] = [cell, null];
    draw();
    describe();
  }

  return { show };
}
