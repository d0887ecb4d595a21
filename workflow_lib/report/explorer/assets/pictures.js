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

/** Sounds are seen as spectrograms, which are images. */
MEDIA.audio = MEDIA.image;

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

const player = new Audio();
let playing = null; // the samples and the row that are heard
for (const event of ["play", "pause", "ended", "error"]) player.addEventListener(event, showPlaying);

/** A button that plays the sound of a sample, or stops it; null where the page has no sound of it. */
function playButton(samples, row) {
  if (!samples.heard || samples.heard[row] < 0) return null;
  const button = make("button", "play");
  button.type = "button";
  button.title = "key: P";
  button.latentAtlas = { samples, row };
  button.addEventListener("click", () => (isPlaying(button) ? player.pause() : play(samples, row)));
  showPlaying(null, button);
  return button;
}

const isPlaying = (button) => !player.paused && playing && playing.samples === button.latentAtlas.samples && playing.row === button.latentAtlas.row;

function showPlaying(_, button = section.querySelector(".sample .play")) {
  if (button) button.textContent = isPlaying(button) ? "\u25a0 Stop" : "\u25b6 Play";
}

/** Play the sound of a sample from its beginning. */
async function play(samples, row) {
  const { packs, each } = samples.entry.media.sounds;
  const at = samples.heard[row];
  playing = { samples, row };
  const pack = await element(packs[Math.floor(at / each)]);
  if (playing.samples !== samples || playing.row !== row) return; // another one was asked for since
  const start = samples.sizes.subarray(at - (at % each), at).reduce((sum, size) => sum + size, 0);
  URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(new Blob([pack.subarray(start, start + samples.sizes[at])], { type: "audio/mpeg" }));
  player.dataset.row = row;
  await player.play().catch(() => showPlaying());
}
