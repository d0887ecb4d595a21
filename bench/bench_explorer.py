"""Libraries that could draw the map of the explorer: python -m bench.bench_explorer FOLDER.

FOLDER gets their npm packages (needs node, npm and a network). Each library draws the same points in a headless
Chromium without a graphics card, the slowest case. Printed for each library and number of points: bytes added to a
page, and milliseconds until the first picture, from a move of the pointer to the library's answer, and from a new
selection (one of ten classes, the others pale) to its picture; the last two are medians.
"""

import argparse
import shutil
import statistics
import subprocess
from pathlib import Path

PACKAGES = (
    *("esbuild@0.28.2", "regl-scatterplot@1.16.0", "regl@2.1.1", "pub-sub-es@3.0.0"),
    *("plotly.js-gl2d-dist-min@3.7.0", "@deck.gl/core@9.4.0", "@deck.gl/layers@9.4.0"),
)
ENTRIES = {
    "regl-scatterplot": 'export { default, createRenderer } from "regl-scatterplot";',
    "Plotly (scattergl)": 'export { default } from "plotly.js-gl2d-dist-min";',
    "deck.gl": 'export { Deck, OrthographicView } from "@deck.gl/core";'
    'export { ScatterplotLayer } from "@deck.gl/layers";',
}

VIEWS = {
    "regl-scatterplot": """
        const canvas = document.createElement("canvas");
        box.append(canvas);
        const renderer = lib.createRenderer({ canvas: document.createElement("canvas") });
        renderer.resize(600, 600);
        const plot = lib.default({ renderer, canvas, width: 600, height: 600, pointSize: 4, colorBy: "valueA",
            opacityBy: "valueB", pointColor: colours, opacity: [0.08, 0.8] });
        const draw = (chosen) => plot.draw({ x, y, valueA: labels, valueB: Float32Array.from(labels, pale(chosen)) },
            { zDataType: "categorical", wDataType: "categorical", spatialIndex: plot.get("spatialIndex") });
        plot.subscribe("pointOver", answer);
        await draw(null);
        return draw;""",
    "Plotly (scattergl)": """
        const draw = async (chosen) => {
            const marker = { color: Array.from(labels, (label) => colours[label]), size: 4,
                opacity: Array.from(labels, (label) => 0.08 + 0.72 * pale(chosen)(label)) };
            await lib.default.react(box, [{ type: "scattergl", mode: "markers", x, y, marker, hoverinfo: "none" }],
                { width: 600, height: 600, margin: { l: 0, r: 0, t: 0, b: 0 }, hovermode: "closest" });
        };
        await draw(null);
        box.on("plotly_hover", answer);
        return draw;""",
    "deck.gl": """
        const places = new Float32Array(2 * x.length);
        x.forEach((_, i) => { places[2 * i] = 300 * x[i]; places[2 * i + 1] = 300 * y[i]; });
        const rgb = colours.map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
        let drawn;
        const layer = (chosen) => {
            const shades = new Uint8Array(4 * x.length);
            labels.forEach((label, i) => shades.set([...rgb[label], 20 + 184 * pale(chosen)(label)], 4 * i));
            return new lib.ScatterplotLayer({ id: "dots", pickable: true, radiusUnits: "pixels", getRadius: 2,
                data: { length: x.length, attributes: { getPosition: { value: places, size: 2 },
                    getFillColor: { value: shades, size: 4 } } } });
        };
        const deck = new lib.Deck({ parent: box, width: 600, height: 600, views: new lib.OrthographicView(),
            initialViewState: { target: [0, 0, 0], zoom: 0 }, controller: true, layers: [layer(null)],
            onHover: (info) => info.index >= 0 && answer(), onAfterRender: () => drawn && drawn() });
        const draw = (chosen) => {
            deck.setProps({ layers: [layer(chosen)] });
            return new Promise((done) => { drawn = done; });
        };
        await new Promise((done) => { drawn = done; });
        return draw;""",
}

PAGE = """<!doctype html><meta charset="utf-8"><div id="box" style="width:600px;height:600px"></div>
<script src="{script}"></script><script>
const box = document.getElementById("box");
const colours = ["#003399", "#00bb00", "#dd00ff", "#663300", "#77ddff",
    "#777744", "#772244", "#007777", "#ddcc99", "#bb9999"];
const pale = (chosen) => (label) => (chosen === null || label === chosen ? 1 : 0);
const frames = async () => {{ for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame); }};
const moves = [];
let moved = 0;
const answer = () => {{ if (moved) moves.push(performance.now() - moved); moved = 0; }};
window.addEventListener("pointermove", () => {{ moved = performance.now(); }}, true);
let seed = 1;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const labels = Float32Array.from({{ length: {count} }}, (_, i) => i % 10);
const along = () => Float32Array.from(labels, () => 0.9 * (random() + random() + random() - 1.5) / 1.5);
const [x, y] = [along(), along()];
const ready = (async () => {{
    const start = performance.now();
    const draw = await (async () => {{{view}}})();
    await frames();
    const first = performance.now() - start;
    window.select = async () => {{
        const times = [];
        for (let i = 0; i < 7; i++) {{
            const start = performance.now();
            await draw(i % 10);
            await frames();
            times.push(performance.now() - start);
        }}
        return times;
    }};
    return first;
}})();
</script>"""


def build(folder: Path, name: str) -> Path:
    """One minified file with a library; returns its path."""
    script = folder / f"{name.split()[0]}.js"
    command = ["node_modules/.bin/esbuild", "--bundle", "--minify", "--format=iife", "--global-name=lib"]
    subprocess.run(
        [*command, f"--outfile={script.name}"],
        input=ENTRIES[name],
        text=True,
        cwd=folder,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return script


def measure(browser, folder: Path, name: str, script: Path, count: int) -> list[float]:
    """Milliseconds to the first picture, from pointer to answer, and from selection to picture."""
    file = folder / "page.html"
    file.write_text(PAGE.format(script=script.name, count=count, view=VIEWS[name]))
    page = browser.new_page(viewport={"width": 800, "height": 700})
    page.on("pageerror", lambda error: print(name, error))
    page.goto(file.as_uri())
    first = page.evaluate("ready")
    page.wait_for_timeout(500)
    for step in range(40):
        page.mouse.move(250 + 3 * step, 300 + 2 * (step % 7))
        page.wait_for_timeout(60)
    moves = page.evaluate("moves")
    selected = page.evaluate("select()")
    page.close()
    return [first, statistics.median(moves) if moves else float("nan"), statistics.median(selected)]


def main() -> None:
    """Measure all libraries and print a table."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", *PACKAGES], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    print("library | kB | points | first picture | pointer to answer | selection")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in ENTRIES:
            script = build(folder, name)
            for count in (10_000, 100_000):
                times = " | ".join(f"{value:.0f}" for value in measure(browser, folder, name, script, count))
                print(f"{name} | {script.stat().st_size / 1000:.0f} | {count} | {times}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
