// How a sample is drawn, by what it is. Each function takes what the page says of all of them, the place of one, the size
// of the longer side in pixels, and what was loaded of the samples.

const MEDIA = {
  /** A cell of a sheet. */
  image(about, at, size) {
    const sheet = about.sheets[Math.floor(at / about.each)];
    const place = at % about.each;
    const scale = size / Math.max(about.width, about.height);
    const cell = make("span", about.exact || scale >= 2 ? "picture pixels" : "picture");
    cell.style.width = `${about.width * scale}px`;
    cell.style.height = `${about.height * scale}px`;
    element(sheet).then((address) => {
      const across = (place % about.columns) * about.width * scale;
      const down = Math.floor(place / about.columns) * about.height * scale;
      cell.style.backgroundImage = `url("${address}")`;
      cell.style.backgroundPosition = `${-across}px ${-down}px`;
      cell.style.backgroundSize = `${about.columns * about.width * scale}px auto`;
      cell.dataset.place = `${sheet} ${place}`;
    });
    return cell;
  },
  text(about, at, size, samples) {
    const text = make("span", size < 100 ? "text small" : "text", samples.texts[at]);
    if (size < 100) text.title = samples.texts[at];
    return text;
  },
};

/** Where a sample's picture would be. */
function noPicture(size) {
  const cell = make("span", "picture none");
  cell.style.width = cell.style.height = `${size}px`;
  cell.title = "not in this page";
  return cell;
}

/** The element that shows sample `row` of `samples`; null if these samples have none at all. */
function drawSample(samples, row, size) {
  const about = samples.entry.media;
  if (!about) return null;
  const place = samples.pictured ? samples.pictured[row] : row;
  if (place < 0 || place >= about.count) return noPicture(size);
  return MEDIA[about.kind](about, place, size, samples);
}
