(function () {
  "use strict";
  const PER_PAGE = 15;
  const TEXT = new Set(document.querySelector("main").dataset.text.split(" ")); // columns of names, such as "007"

  // ---- tables: the text of a CSV becomes a table that can be sorted, filtered and paged ----

  function parse(text) {
    const rows = [];
    let row = [], field = "", quoted = false;
    for (let i = 0; i < text.length; i++) {
      const sign = text[i];
      if (quoted) {
        if (sign !== '"') field += sign;
        else if (text[i + 1] === '"') { field += sign; i++; }
        else quoted = false;
      } else if (sign === '"') quoted = true;
      else if (sign === ",") { row.push(field); field = ""; }
      else if (sign === "\n") { row.push(field.replace(/\r$/, "")); rows.push(row); row = []; field = ""; }
      else field += sign;
    }
    if (field || row.length) { row.push(field); rows.push(row); }
    return rows;
  }

  const isNumber = (text) => text.trim() !== "" && isFinite(text);

  function rounded(text) {
    const value = Number(text);
    if (Number.isInteger(value)) return text.replace("-", "−");
    const short = Math.abs(value) < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
    return short.replaceAll("-", "−");
  }

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function build(sheet) {
    if (sheet.dataset.built) return;
    sheet.dataset.built = "yes";
    const text = JSON.parse(sheet.querySelector("script").textContent);
    const [names = [], ...rows] = parse(text);
    const varies = (c) => rows.length < 2 || rows.some((row) => row[c] !== rows[0][c]);
    const columns = names.map((_, c) => c).filter(varies);
    const constant = names.map((_, c) => c).filter((c) => !varies(c) && rows[0][c] !== "");
    const numeric = new Set(columns.filter((c) => !TEXT.has(names[c]) && rows.some((row) => row[c]) && rows.every((row) => !row[c] || isNumber(row[c]))));
    let shown = rows, page = 0, sortedBy = null, rising = true;

    const filter = element("input", { type: "search", placeholder: "Filter rows", "aria-label": `Filter rows of ${sheet.dataset.name}` });
    const status = element("span", { role: "status" });
    const back = element("button", { type: "button" }, "Previous");
    const next = element("button", { type: "button" }, "Next");
    const save = element("button", { type: "button" }, "Download CSV");
    const body = element("tbody");
    const heads = columns.map((c) => element("th", { scope: "col", "aria-sort": "none" }, element("button", { type: "button" }, names[c])));
    const table = element("table", columns.length > 12 ? { class: "wide" } : {}, element("thead", {}, element("tr", {}, ...heads)), body);
    heads.forEach((head, place) => numeric.has(columns[place]) && head.classList.add("n"));

    function compare(a, b) {
      const [x, y] = [a[sortedBy], b[sortedBy]];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = numeric.has(sortedBy) ? Number(x) - Number(y) : x.localeCompare(y, undefined, { numeric: true });
      return rising ? order : -order;
    }

    function draw() {
      const pages = Math.max(1, Math.ceil(shown.length / PER_PAGE));
      page = Math.min(Math.max(page, 0), pages - 1);
      const part = shown.slice(page * PER_PAGE, (page + 1) * PER_PAGE);
      body.replaceChildren(...part.map((row) => element("tr", {}, ...columns.map((c) => {
        const number = numeric.has(c) && row[c] !== "";
        const cell = element("td", numeric.has(c) ? { class: "n" } : {}, number ? rounded(row[c]) : row[c] || "–");
        if (number && rounded(row[c]) !== row[c]) cell.title = row[c];
        return cell;
      }))));
      const first = page * PER_PAGE + 1, last = first + part.length - 1;
      const of = shown.length === rows.length ? `${rows.length}` : `${shown.length} (of ${rows.length})`;
      status.textContent = shown.length ? `Rows ${first} to ${last} of ${of}` : "No row has this text";
      back.disabled = page === 0;
      next.disabled = page >= pages - 1;
    }

    function select() {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = rows.filter((row) => words.every((word) => row.some((field) => field.toLowerCase().includes(word))));
      if (sortedBy !== null) shown.sort(compare);
      page = 0;
      draw();
    }

    heads.forEach((head, place) => head.firstChild.addEventListener("click", () => {
      rising = sortedBy === columns[place] ? !rising : true;
      sortedBy = columns[place];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      select();
    }));
    filter.addEventListener("input", select);
    back.addEventListener("click", () => { page--; draw(); });
    next.addEventListener("click", () => { page++; draw(); });
    save.addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      element("a", { href: url, download: sheet.dataset.name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });

    sheet.append(element("div", { class: "tools" }, filter, back, next, status, save));
    if (constant.length) {
      const same = constant.map((c) => `${names[c]} ${isNumber(rows[0][c]) && !TEXT.has(names[c]) ? rounded(rows[0][c]) : rows[0][c]}`).join(", ");
      sheet.append(element("p", { class: "same" }, `In all rows: ${same}`));
    }
    sheet.append(element("div", { class: "box", tabindex: "0", role: "region", "aria-label": sheet.dataset.name }, table));
    draw();
  }

  document.querySelectorAll("details").forEach((details) => {
    const open = () => details.open && details.querySelectorAll(".sheet").forEach(build);
    details.addEventListener("toggle", open);
    open();
  });

  // A link to a closed table opens it.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) { target.open = true; target.scrollIntoView(); }
  }
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => document.querySelectorAll("details.print").forEach((details) => { details.open = true; }));

  // ---- figures at full size ----

  const dialog = document.querySelector("dialog");
  document.querySelectorAll(".enlarge").forEach((button) => {
    const image = button.closest("figure").querySelector(".image img");
    button.hidden = !image;
    button.addEventListener("click", () => {
      const full = element("img", { src: image.src, alt: image.alt });
      full.width = Math.max(image.naturalWidth, image.width);
      dialog.querySelector(".full").replaceChildren(full);
      dialog.showModal();
    });
  });

  // ---- on a narrow screen, the contents are closed at first ----

  const wide = matchMedia("(min-width: 1080px)");
  const fold = () => { document.querySelector("nav details").open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();

  // ---- the entry of the contents that is being read ----

  const entries = new Map([...document.querySelectorAll("nav li a")].map((a) => [a.hash.slice(1), a]));
  const watcher = new IntersectionObserver((seen) => seen.forEach(({ target, isIntersecting }) => {
    if (!isIntersecting) return;
    entries.forEach((a, id) => (id === target.id ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current")));
  }), { rootMargin: "-10% 0px -80% 0px" });
  entries.forEach((_, id) => { const section = document.getElementById(id); if (section) watcher.observe(section); });
})();
