// Data of the page: elements that are decoded when they are first needed.

const section = document.getElementById("explorer");
const contents = JSON.parse(document.getElementById("explorer-contents").textContent);
const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };
const decoded = new Map();

/** The array, list of texts or picture's address in an element, as a promise; null for no element. */
function element(number) {
  if (number === undefined || number === null) return Promise.resolve(null);
  if (!decoded.has(number)) decoded.set(number, decode(document.getElementById(`explorer-${number}`)));
  return decoded.get(number);
}

async function decode(node) {
  const text = atob(node.textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  if (node.dataset.kind === "webp") return URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  return node.dataset.kind === "text" ? JSON.parse(new TextDecoder().decode(buffer)) : new ARRAYS[node.dataset.kind](buffer);
}

/** A new element with a class, text and children. */
function make(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A list of terms and what they are, without those that are not known. */
function terms(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  return make("dl", "", ...known.flatMap(([term, value]) => [make("dt", "", term), make("dd", "", value)]));
}

/** A labelled choice among texts; `chosen` is called with the place of the new one. */
function choice(label, texts, place, chosen) {
  const select = make("select", "", ...texts.map((text, i) => new Option(text, i, false, i === place)));
  select.name = label;
  select.addEventListener("change", () => chosen(Number(select.value)));
  return make("label", "", `${label} `, select);
}

/** A button that stays pressed. */
function toggle(colour, text, pressed) {
  const chip = make("span", "chip");
  chip.style.background = colour;
  const button = make("button", "", chip, text);
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => pressed());
  return button;
}

/** The value of one of the page's colours. */
function colourOf(name, otherwise) {
  return getComputedStyle(section).getPropertyValue(name).trim() || otherwise;
}
