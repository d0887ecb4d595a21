// Map of the samples in two dimensions, drawn by regl-scatterplot; without WebGL as plain dots that cannot be zoomed.

/** The view of a map in `figure`; `events` has over, click and boxed, as for the strips. */
function mapView(figure, events) {
  const plot = figure.querySelector(".plot");
  const [canvas, above] = plot.querySelectorAll("canvas");
  const lasso = figure.querySelector(".lasso");
  const note = figure.querySelector(".remark");
  const state = { x: [], y: [], mask: null };
  let scatter, renderer, marks, marked, drawn, rows, place, width, height, index, encircled;

  const hasWebGL = Boolean(document.createElement("canvas").getContext("webgl"));
  if (!hasWebGL) {
    state.box = (start, end) => drawBox(marks, width, height, start, end);
    pointAtDots(canvas, state, events);
    lasso.hidden = figure.querySelector(".whole").hidden = figure.querySelector(".zoom").hidden = true;
  }
  // Else a page that is scrolled would stop at the map and zoom it.
  const inUse = (event) => event.ctrlKey || document.activeElement === canvas;
  plot.addEventListener("wheel", (event) => inUse(event) || event.stopPropagation(), { capture: true });
  lasso.addEventListener("click", () => mode(lasso.getAttribute("aria-pressed") === "false"));
  figure.querySelector(".whole").addEventListener("click", () => scatter.reset());

  function mode(region) {
    lasso.setAttribute("aria-pressed", String(region));
    canvas.style.touchAction = region ? "none" : ""; // a finger draws the region in place of scrolling the page
    scatter.set({ mouseMode: region ? "lasso" : "panZoom" });
  }

  function start() {
    renderer = latentAtlasScatterplot.createRenderer({ canvas: make("canvas") }); // its own is as large as the window
    scatter = latentAtlasScatterplot.default({
      renderer,
      canvas,
      width,
      height,
      deselectOnEscape: false,
      deselectOnDblClick: false,
      colorBy: "valueA",
      opacityBy: "valueB",
      sizeBy: "valueB",
      lassoColor: colourOf("--ink", "#1c1c1c"),
      backgroundColor: colourOf("--paper", "#ffffff"),
      reticleColor: [0.5, 0.5, 0.5, 0.3],
    });
    scatter.subscribe("pointOver", (i) => events.over(rows[i]));
    scatter.subscribe("pointOut", () => events.over(-1));
    scatter.subscribe("lassoStart", () => (encircled = true));
    scatter.subscribe("select", ({ points }) => {
      scatter.deselect({ preventEvent: true });
      if (encircled) {
        const region = new Uint8Array(place.length);
        for (const i of points) region[rows[i]] = 1;
        events.boxed(region);
        mode(false);
      } else events.click(rows[points[0]]);
      encircled = false;
    });
    scatter.subscribe("view", () => redrawMarks());
  }

  /** Take the coordinates of a map, x and y in turn from 1 to 65535, 0 for samples that are not on it. */
  function layout(xy, count) {
    [width, height] = [plot.clientWidth, plot.clientHeight];
    marks = sized(above, width, height);
    note.textContent = "";
    rows = [];
    place = new Int32Array(count).fill(-1);
    for (let i = 0; xy && i < count; i++) {
      if (!xy[2 * i]) continue;
      place[i] = rows.length;
      rows.push(i);
    }
    const reach = Math.min(1, width / height) / 34500; // the library's unit is half the height
    const along = (d) => Float32Array.from(rows, (i) => (xy[2 * i + d] - 32768) * reach);
    [state.atX, state.atY] = [along(0), along(1)];
    index = undefined;
    if (!xy) note.textContent = "There is no map: the features of these samples are not there, or no room for it was left.";
    else if (rows.length < count) note.textContent = `${rows.length} of ${count} samples are on the map.`;
    if (!hasWebGL) {
      note.textContent += " This browser has no WebGL: the map cannot be zoomed.";
      const side = height / 2;
      const screen = (values, middle, sign) => {
        const all = new Float32Array(count).fill(NaN);
        rows.forEach((row, i) => (all[row] = middle + sign * side * values[i]));
        return all;
      };
      [state.x, state.y] = [screen(state.atX, width / 2, 1), screen(state.atY, height / 2, -1)];
    }
  }

  async function draw(colours, palette, mask) {
    state.mask = mask;
    if (!hasWebGL) {
      drawDots(sized(canvas, width, height), state.x, state.y, colours, palette, mask);
      return;
    }
    if (!scatter) start();
    renderer.resize(width, height);
    const many = rows.length > 20000;
    const size = many ? 2.5 : rows.length > 3000 ? 4 : 6;
    scatter.set({
      width,
      height,
      pointColor: palette.length > 1 ? palette : [palette[0], palette[0]],
      opacity: mask ? [0.08, 0.95] : [0.05, many ? 0.5 : 0.8],
      pointSize: mask ? [size * 0.8, size * 1.2] : [size, size],
    });
    const points = {
      x: state.atX,
      y: state.atY,
      valueA: Float32Array.from(rows, (i) => colours[i]),
      valueB: Float32Array.from(rows, (i) => (!mask || mask[i] ? 1 : 0)),
    };
    const wanted = (drawn = {});
    await scatter.draw(points, { spatialIndex: index, zDataType: "categorical", wDataType: "categorical" });
    if (wanted === drawn) index = scatter.get("spatialIndex");
    redrawMarks();
  }

  function onScreen(i) {
    if (i < 0 || place[i] < 0) return null;
    return hasWebGL ? scatter && scatter.getScreenPosition(place[i]) : [state.x[i], state.y[i]];
  }

  function mark(...samples) {
    marked = samples;
    redrawMarks();
  }

  function redrawMarks() {
    if (marked) drawMarks(marks, width, height, onScreen, ...marked);
  }

  return { layout, draw, mark, canvas, placeOf: onScreen };
}
