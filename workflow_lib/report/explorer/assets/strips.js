// Violins with a dot for every sample: one strip per class, k* from 0 to 1 upwards.

const BINS = 60;

/** The view of k* by class in `figure`; `events` has over, click and boxed. */
function stripsView(figure, events) {
  const plot = figure.querySelector(".plot");
  const [canvas, above] = plot.querySelectorAll("canvas");
  const state = { x: [], y: [], mask: null };
  let marks, width, height, foot, data;

  state.box = (start, end) => drawBox(marks, width, height, start, end);
  pointAtDots(canvas, state, events);

  /** Lay out the samples of a point: a column per class, wider where there are more samples. */
  function layout(point) {
    data = point;
    const classes = point.classes.length;
    height = plot.clientHeight - (plot.clientWidth < classes * 24 + 40 ? 14 : 0);
    width = Math.max(plot.clientWidth, 40 + classes * 24);
    const column = (width - 40) / classes;
    foot = heightOfNames(point.classes, column);
    const scale = (kstar) => height - foot - 4 - kstar * (height - foot - 16);
    const counts = point.classes.map(() => new Float64Array(BINS + 1));
    const bin = (i) => Math.min(Math.floor(point.kstar[i] * BINS), BINS);
    for (let i = 0; i < point.count; i++) if (point.kappa[i]) counts[point.labels[i]][bin(i)]++;
    const smooth = counts.map((row) => row.map((_, b) => (row[b - 1] || 0) / 4 + row[b] / 2 + (row[b + 1] || 0) / 4));
    const most = smooth.map((row) => Math.max(...row, 1e-9));
    state.x = new Float32Array(point.count).fill(NaN);
    state.y = new Float32Array(point.count).fill(NaN);
    for (let i = 0; i < point.count; i++) {
      if (!point.kappa[i]) continue;
      const label = point.labels[i];
      const spread = ((i * 0.618034) % 1) * 2 - 1; // even and the same every time
      const half = (0.45 * smooth[label][bin(i)]) / most[label];
      state.x[i] = 36 + column * (label + 0.5 + spread * half);
      state.y[i] = scale(point.kstar[i]);
    }
    state.shapes = smooth.map((row, label) => ({ row, most: most[label], middle: 36 + column * (label + 0.5), column, scale }));
  }

  function draw(colours, palette, mask) {
    state.mask = mask;
    const context = sized(canvas, width, height);
    marks = sized(above, width, height);
    const ink = colourOf("--ink", "#1c1c1c");
    context.font = FONT;
    context.fillStyle = ink;
    context.strokeStyle = colourOf("--line", "#d0d0d0");
    context.textBaseline = "middle";
    for (const tick of [0, 0.5, 1]) {
      const y = state.shapes[0].scale(tick);
      context.fillText(String(tick), 6, y);
      context.beginPath();
      context.moveTo(30, y);
      context.lineTo(width, y);
      context.stroke();
    }
    state.shapes.forEach(({ row, most, middle, column, scale }, label) => {
      context.beginPath();
      const side = (sign) => (b) => context.lineTo(middle + (sign * 0.45 * column * row[b]) / most, scale((b + 0.5) / BINS));
      const rows = Array.from(row.keys()).filter((b) => b < BINS);
      rows.forEach(side(-1));
      rows.reverse().forEach(side(1));
      context.closePath();
      context.fillStyle = data.patternColours[label];
      context.globalAlpha = 0.18;
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = ink;
      writeName(context, data.classes[label], middle, height - foot, foot, true);
    });
    drawDots(context, state.x, state.y, colours, palette, mask);
  }

  function mark(sample, foreign, near) {
    const place = (i) => (Number.isNaN(state.x[i]) ? null : [state.x[i], state.y[i]]);
    drawMarks(marks, width, height, place, sample, foreign, near);
  }

  return { layout, draw, mark, canvas, placeOf: (i) => [state.x[i], state.y[i]] };
}
