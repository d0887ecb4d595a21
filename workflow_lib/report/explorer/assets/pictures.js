// How a sample is drawn, by what it is. Texts and sounds get a function of their own in MEDIA.

const MEDIA = {
  /** A cell of a sheet, `size` pixels on its longer side. */
  image(sheet, place, about, size) {
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
};

/** Where a sample's picture would be. */
function noPicture(size) {
  const cell = make("span", "picture none");
  cell.style.width = cell.style.height = `${size}px`;
  cell.title = "no picture in this page";
  return cell;
}

/** The element that shows sample `row` of `samples`; null if these samples have none at all. */
function drawSample(samples, row, size) {
  const about = samples.entry.media;
  if (!about) return null;
  const place = samples.pictured ? samples.pictured[row] : row;
  if (place < 0 || place >= about.count) return noPicture(size);
  return MEDIA[about.kind](about.sheets[Math.floor(place / about.each)], place % about.each, about, size);
}
