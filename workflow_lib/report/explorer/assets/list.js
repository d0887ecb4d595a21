// The list of the most suspicious samples.

const PER_PAGE = 48;

/** The list in `box`; `choose` is called with a sample. */
function listView(box, choose) {
  const list = box.querySelector("ul");
  const doubtful = box.querySelector(".doubtful");
  const more = box.querySelector(".more");
  let point, rows, length;

  doubtful.addEventListener("change", () => fill(PER_PAGE));
  more.addEventListener("click", () => fill(length + PER_PAGE));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || !rows.length) return;
    event.preventDefault();
    event.stopPropagation();
    const next = Math.min(Math.max(rows.indexOf(Number(list.dataset.chosen)) + step, 0), rows.length - 1);
    if (next >= length) fill(length + PER_PAGE);
    choose(rows[next]);
  });

  function show(next) {
    point = next;
    doubtful.closest("label").hidden = !point.doubtful;
    if (!point.doubtful) doubtful.checked = false;
    fill(PER_PAGE);
  }

  function fill(count) {
    const all = doubtful.checked ? point.doubtful : point.suspects;
    rows = Array.from(all).filter((row) => !point.mask || point.mask[row]);
    length = Math.min(count, rows.length);
    list.replaceChildren(...rows.slice(0, length).map(item));
    if (!rows.length) list.append(make("p", "muted", "None."));
    more.hidden = length >= rows.length;
    highlight(Number(list.dataset.chosen));
  }

  function item(row) {
    const foreign = point.foreign[row] - 1;
    const other = foreign >= 0 ? point.classes[point.labels[foreign]] : "another class";
    const says = point.prediction && foreign >= 0 && point.prediction[row] - 1 === point.labels[foreign];
    const lines = make("span", "", make("b", "", point.samples.ids[row]), make("br"), `κ ${point.kappa[row]}, ${point.classes[point.labels[row]]} → ${other}`);
    if (says) lines.append(make("br"), make("span", "flag", `predicted ${other}`));
    const line = make("li", "", drawSample(point.samples, row, 40), lines);
    line.id = `explorer-item-${row}`;
    line.setAttribute("role", "option");
    line.addEventListener("click", () => choose(row));
    return line;
  }

  function highlight(row) {
    list.dataset.chosen = row;
    list.removeAttribute("aria-activedescendant");
    for (const line of list.querySelectorAll("li")) {
      const chosen = line.id === `explorer-item-${row}`;
      line.setAttribute("aria-selected", String(chosen));
      if (!chosen) continue;
      list.setAttribute("aria-activedescendant", line.id);
      const [top, bottom] = [line.offsetTop - list.offsetTop, line.offsetTop - list.offsetTop + line.offsetHeight];
      if (top < list.scrollTop || bottom > list.scrollTop + list.clientHeight) list.scrollTop = top - 20;
    }
  }

  return { show, highlight };
}
