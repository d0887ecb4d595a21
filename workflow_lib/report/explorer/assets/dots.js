// Dots on a canvas: thousands of samples, those that are not selected pale. Used by the strips, and by the map where the
// browser has no WebGL.

/** Size a canvas for the screen; returns its context, in CSS pixels. */
function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

const FONT = "12px sans-serif";
const FLAT = 20; // pixels that names need that are not turned
const LONGEST = 90;

/** Height of a line with the names of columns of this width: they are turned if one is too long. */
function heightOfNames(names, width) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = FONT;
  const longest = Math.max(...names.map((name) => context.measureText(name).width));
  return longest <= width - 4 ? FLAT : Math.min(longest, LONGEST) + 12;
}

/** Write the name of a column in a line that begins at `top`; turned ones end at the column, below or above it. */
function writeName(context, name, middle, top, height, below) {
  context.save();
  context.translate(middle, height === FLAT ? top + FLAT / 2 : below ? top + 6 : top + height - 6);
  context.textBaseline = "middle";
  context.textAlign = height === FLAT ? "center" : below ? "right" : "left";
  if (height > FLAT) context.rotate(-Math.PI / 2);
  context.fillText(height === FLAT ? name : fitted(context, name, LONGEST), 0, 0);
  context.restore();
}

/** A text cut to a width, with an ellipsis. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}

/** Draw dots at (x, y), NaN for none, in the colour `palette[colours[i]]`; those outside `mask` pale and below. */
function drawDots(context, x, y, colours, palette, mask) {
  const size = x.length > 20000 ? 2 : x.length > 3000 ? 2.5 : 3.5;
  for (const selected of mask ? [false, true] : [true]) {
    context.globalAlpha = selected ? (x.length > 20000 ? 0.5 : 0.8) : 0.1;
    for (let colour = 0; colour < palette.length; colour++) {
      context.fillStyle = palette[colour];
      for (let i = 0; i < x.length; i++) {
        if (colours[i] !== colour || (mask && Boolean(mask[i]) !== selected)) continue;
        context.fillRect(x[i] - size / 2, y[i] - size / 2, size, size);
      }
    }
  }
  context.globalAlpha = 1;
}

/** The dot nearest to a place, at most 12 pixels away; -1 for none. Selected dots come first. */
function dotAt(x, y, mask, left, top) {
  let best = -1;
  let least = 144;
  for (let i = 0; i < x.length; i++) {
    const away = (x[i] - left) ** 2 + (y[i] - top) ** 2 + (mask && !mask[i] ? 100 : 0);
    if (away < least) [best, least] = [i, away];
  }
  return best;
}

/** Marks above the dots: a ring around the sample, a square around its nearest foreign sample, small rings around others. */
function drawMarks(context, width, height, place, sample, foreign, near) {
  context.clearRect(0, 0, width, height);
  if (sample < 0) return;
  const ink = colourOf("--ink", "#1c1c1c");
  const at = place(sample);
  const ring = (where, radius, thick) => {
    if (!where) return;
    for (const [colour, line] of [[colourOf("--paper", "#fff"), thick + 3], [ink, thick]]) {
      context.beginPath();
      context.arc(where[0], where[1], radius, 0, 7);
      context.lineWidth = line;
      context.strokeStyle = colour;
      context.stroke();
    }
  };
  for (const other of near) ring(place(other), 5, 1);
  const square = foreign >= 0 && place(foreign);
  if (square) {
    if (at) {
      context.beginPath();
      context.setLineDash([4, 3]);
      context.lineWidth = 1.5;
      context.strokeStyle = ink;
      context.moveTo(...at);
      context.lineTo(...square);
      context.stroke();
      context.setLineDash([]);
    }
    for (const [colour, line] of [[colourOf("--paper", "#fff"), 5], ["#d55e00", 2.5]]) {
      context.lineWidth = line;
      context.strokeStyle = colour;
      context.strokeRect(square[0] - 7, square[1] - 7, 14, 14);
    }
  }
  ring(at, 8, 2.5);
}

/** Pointer events of a canvas of dots: `over` and `click` with a dot, `boxed` with the dots in a dragged box. */
function pointAtDots(canvas, state, { over, click, boxed }) {
  let start = null;
  const where = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    start = where(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [left, top] = where(event);
    if (start && event.buttons && Math.hypot(left - start[0], top - start[1]) > 6) state.box(start, [left, top]);
    else over(dotAt(state.x, state.y, state.mask, left, top));
  });
  canvas.addEventListener("pointerleave", () => over(-1));
  canvas.addEventListener("pointerup", (event) => {
    const end = where(event);
    if (start && Math.hypot(end[0] - start[0], end[1] - start[1]) > 6) {
      const [[left, right], [top, bottom]] = [0, 1].map((d) => [Math.min(start[d], end[d]), Math.max(start[d], end[d])]);
      const inside = (i) => state.x[i] >= left && state.x[i] <= right && state.y[i] >= top && state.y[i] <= bottom;
      boxed(Uint8Array.from(state.x, (_, i) => inside(i)));
    } else click(dotAt(state.x, state.y, state.mask, ...end));
    start = null;
  });
}

/** Outline of the box that is being dragged. */
function drawBox(context, width, height, start, end) {
  context.clearRect(0, 0, width, height);
  context.setLineDash([4, 3]);
  context.lineWidth = 1.5;
  context.strokeStyle = colourOf("--ink", "#1c1c1c");
  context.strokeRect(start[0], start[1], end[0] - start[0], end[1] - start[1]);
  context.setLineDash([]);
}
