"""The explorer in a real browser: pointer, keyboard, linked views, and how long they take."""

import io
import json

import numpy as np
import pytest
import xarray as xr
from explorer_cases import (
    IDS,
    config_of_sounds,
    contents_of,
    plan_in,
    write_prototypes,
    write_samples,
    write_sounds,
)
from PIL import Image

from workflow_lib.io import storage
from workflow_lib.report.explorer import fragment

READY = "#explorer[data-shown]:not([data-shown=''])"
KSTAR = "section.latentAtlas"


def opened(page, folder, html):
    """The page with this explorer, when it shows its first point."""
    file = folder / "page.html"
    file.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title><body>{html}')
    page.goto(file.as_uri())
    page.wait_for_selector(READY)
    return contents_of(html)


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toys")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_samples(folder)
        write_prototypes(folder)
        return fragment(plan_in(folder), 2_000_000, ())


def click_sample(page, view, row):
    """Click a sample in the strips or on the map."""
    place = page.evaluate(
        f"row => document.getElementById('explorer').latentAtlas.placeOf(row).{view}.map(Number)", row
    )
    page.locator(f"#explorer .{view} canvas").first.click(position={"x": place[0], "y": place[1]})


def field(page, name):
    return page.locator(f"#explorer .sample dt:text-is('{name}') + dd").inner_text()


def grey_of_picture(page, element, cell):
    """Grey level of the cell of the sheet that the page shows first in `cell`."""
    page.wait_for_function("cell => document.querySelector(cell).dataset.place", arg=f"{cell} .picture")
    sheet, place = map(int, page.locator(f"{cell} .picture").first.get_attribute("data-place").split())
    return np.asarray(Image.open(io.BytesIO(element(sheet))))[8 * (place // 16) + 4, 8 * (place % 16) + 4, 0]


@pytest.mark.parametrize("view", ["strips", "map"])
def test_a_click_shows_the_sample_with_its_picture_and_neighbours(page, toys, tmp_path, view):
    _, element = opened(page, tmp_path, toys)
    page.wait_for_timeout(300)  # the map is drawn by the graphics card
    click_sample(page, view, 4)
    assert field(page, "sample") == IDS[4]
    assert field(page, "κ") == "4"
    assert field(page, "k*").startswith("0.8000 (κ of 5")
    assert grey_of_picture(page, element, "#explorer .sample") == 24
    assert page.locator("#explorer .sample .row").first.locator("button").get_attribute("title") == IDS[2]
    near = [
        button.get_attribute("title")
        for button in page.locator("#explorer .sample .row").nth(1).locator("button").all()
    ]
    assert near == [IDS[row] for row in (5, 3, 6, 2, 7, 1)]
    page.locator("#explorer .sample .row").nth(1).locator("button").first.click()
    assert field(page, "sample") == IDS[5]


def test_the_keyboard_goes_through_samples_and_clears(page, toys, tmp_path):
    opened(page, tmp_path, toys)
    page.locator("#explorer .strips canvas").first.focus()
    seen = []
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        seen.append(field(page, "sample"))
    assert seen == [IDS[7], IDS[1], IDS[2], IDS[0]]  # by rising k*: 1/5, 1/3, 1/3, 2/3
    page.keyboard.press("ArrowLeft")
    assert field(page, "sample") == IDS[2]
    page.keyboard.press("Escape")
    assert page.locator("#explorer .sample dt").count() == 0


def test_selecting_a_class_makes_others_pale_and_the_list_shorter(page, toys, tmp_path):
    opened(page, tmp_path, toys)
    darkness = """row => {
        const canvas = document.querySelector("#explorer .strips canvas");
        const [x, y] = document.getElementById("explorer").latentAtlas.placeOf(row).strips;
        const ratio = canvas.width / canvas.clientWidth;
        return canvas.getContext("2d").getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data[3];
    }"""
    assert page.locator("#explorer .list li").count() == 8
    before = page.evaluate(darkness, 4)
    page.get_by_role("button", name="round", exact=True).click()
    assert page.evaluate(darkness, 4) < before / 2
    assert page.locator("#explorer .count").inner_text() == "3 of 8 samples selected"
    assert page.locator("#explorer .list li").count() == 3
    page.locator("#explorer .piece").select_option("1")
    assert page.locator("#explorer .count").inner_text() == "1 of 8 samples selected"
    page.get_by_role("button", name="Clear selection").click()
    assert page.evaluate(darkness, 4) == before


@pytest.mark.slow
def test_a_box_selects_samples(page, toys, tmp_path):
    opened(page, tmp_path, toys)
    box = page.locator("#explorer .strips canvas").first.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 20, steps=3)
    page.mouse.up()
    assert page.locator("#explorer .count").inner_text() == "2 of 8 samples selected"  # round, k* of 1/3


@pytest.mark.slow
def test_a_lasso_on_the_map_selects_samples(page, toys, tmp_path):
    opened(page, tmp_path, toys)
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Select a region").click()
    box = page.locator("#explorer .map canvas").first.bounding_box()
    left, top, width, height = (box[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(left + 2, top + 2)
    page.mouse.down()
    for x, y in ((width - 2, 2), (width - 2, height - 2), (2, height - 2), (2, 6)):
        page.mouse.move(left + x, top + y, steps=2)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#explorer .count').textContent.includes('selected')")
    assert page.locator("#explorer .count").inner_text() == "8 of 8 samples selected"


def test_the_wheel_scrolls_the_page_until_the_map_is_clicked(page, toys, tmp_path):
    opened(page, tmp_path, toys + "<div style='height: 3000px'></div>")
    page.wait_for_timeout(300)
    place = "document.getElementById('explorer').latentAtlas.placeOf(4).map.map(Math.round)"
    canvas = page.locator("#explorer .map canvas").first
    canvas.scroll_into_view_if_needed()
    before, canvas_top = page.evaluate(place), canvas.bounding_box()["y"]
    canvas.hover()
    page.mouse.wheel(0, 30)
    page.wait_for_timeout(300)
    assert page.evaluate(place) == before
    assert canvas.bounding_box()["y"] < canvas_top
    canvas.click(position={"x": 5, "y": 5})
    canvas_top = canvas.bounding_box()["y"]
    page.mouse.wheel(0, 30)
    page.wait_for_timeout(300)
    assert page.evaluate(place) != before
    assert canvas.bounding_box()["y"] == canvas_top


def test_the_list_of_suspicious_samples_opens_the_right_one(page, toys, tmp_path):
    _, element = opened(page, tmp_path, toys)
    page.locator("#explorer .list li").nth(1).click()
    assert field(page, "sample") == IDS[7]
    assert grey_of_picture(page, element, "#explorer .sample") == 27
    page.locator("#explorer .list ul").focus()
    page.keyboard.press("ArrowDown")
    assert field(page, "sample") == IDS[2]
    page.locator("#explorer .doubtful").check()
    assert [line.inner_text().split()[0] for line in page.locator("#explorer .list li").all()] == [IDS[7]]


def test_the_prediction_has_its_confidence(page, toys, tmp_path):
    opened(page, tmp_path, toys)
    click_sample(page, "strips", 0)
    assert field(page, "confidence") == "50.0\xa0%"
    click_sample(page, "strips", 7)  # a square that the network takes for a round one
    assert field(page, "prediction") == "round"
    assert field(page, "confidence") == "> 99.9\xa0%; in its own class square: < 0.1\xa0%"


HEARD = """async () => {
    const { player } = document.getElementById("explorer").latentAtlas;
    const bytes = await (await fetch(player.src)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(bytes);
    const wave = sound.getChannelData(0).subarray(2000, 4000);
    let crossings = 0;
    for (let i = 1; i < wave.length; i++) crossings += wave[i - 1] < 0 && wave[i] >= 0;
    return { row: Number(player.dataset.row), hertz: (crossings * 8000) / wave.length, paused: player.paused };
}"""


def test_the_sound_of_the_sample_is_played(page, tmp_path, monkeypatch):
    pytest.importorskip("soundfile", reason="needs the extra sound")
    pytest.importorskip("soxr", reason="needs the extra sound")
    monkeypatch.chdir(tmp_path)
    write_samples(tmp_path)
    write_sounds(tmp_path)
    opened(page, tmp_path, fragment(plan_in(tmp_path, config_of_sounds()), 2_000_000, ()))
    page.evaluate("document.getElementById('explorer').latentAtlas.player.loop = true")
    click_sample(page, "strips", 4)
    button = page.locator("#explorer .sample .play")
    button.click()
    page.wait_for_function("document.getElementById('explorer').latentAtlas.player.currentTime > 0")
    assert button.inner_text() == "■ Stop"
    heard = page.evaluate(HEARD)
    assert (heard["row"], heard["paused"]) == (4, False)
    assert heard["hertz"] == pytest.approx(1300, abs=30)
    button.click()
    page.wait_for_function("document.querySelector('#explorer .play').textContent === '▶ Play'")
    assert page.evaluate(HEARD)["paused"]
    place = page.evaluate("document.getElementById('explorer').latentAtlas.placeOf(2).strips.map(Number)")
    page.locator("#explorer .strips canvas").first.hover(position={"x": place[0], "y": place[1]})
    page.keyboard.press("p")  # the sample under the pointer
    page.wait_for_function("!document.getElementById('explorer').latentAtlas.player.paused")
    assert page.evaluate(HEARD)["hertz"] == pytest.approx(900, abs=30)


@pytest.mark.slow
def test_texts_are_shown_as_they_are(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_samples(tmp_path)
    texts = [f"<b>text</b> of {name}" for name in IDS]
    store = xr.Dataset(coords={"sample": IDS, "text": ("sample", texts)})
    storage.save(store, tmp_path / "results/datasets/words/test.zarr.zip")
    plan = plan_in(tmp_path)
    monkeypatch.setattr(plan, "parts", lambda dataset, split: [plan.path(f"datasets/words/{split}.zarr.zip")])
    opened(page, tmp_path, fragment(plan, 2_000_000, ()))
    click_sample(page, "strips", 4)
    assert page.locator("#explorer .sample .text").first.inner_text() == texts[4]
    assert page.locator("#explorer .sample .row .text").first.inner_text() == texts[2]


@pytest.mark.slow
def test_choices_lead_to_the_point(page, toys, tmp_path):
    opened(page, tmp_path, toys)
    page.locator("#explorer select[name=interval]").select_option(label="50 %")
    page.wait_for_selector(READY)
    assert json.loads(page.locator("#explorer").get_attribute("data-shown"))["interval"] == 50
    assert (
        "2 of 4 points of this study are not shown: not computed yet." in page.locator("#explorer .lost").inner_text()
    )


def test_prototypes_show_c_and_r_of_the_entry_under_the_pointer(page, toys, tmp_path):
    contents, element = opened(page, tmp_path, toys)
    page.locator("#explorer select[name=Study]").select_option(label="Toys as seen")
    page.wait_for_selector(READY)
    layer = contents["studies"][1]["shown"][0]["layers"]["early"]
    canvas = page.locator("#explorer .matrix canvas")
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] - 10, "y": 20 + (box["height"] - 20) / 2})  # target square, origin star
    assert page.locator("#explorer .entry").get_attribute("data-entry") == "1 2"
    told = [line.get_attribute("data-value").split() for line in page.locator("#explorer .bars [data-value]").all()]
    assert [(name, int(m)) for name, m, _ in told] == [("C", 0), ("C", 2), ("R", 0), ("R", 1)]
    for name, m, value in told:
        assert float(value) == element(layer[name]).reshape(3, 3, 3)[1, 2, int(m)]
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.mouse.move(0, 0)
    assert page.locator("#explorer .entry").get_attribute("data-entry") == "0 1"
    slider = page.locator("#explorer .interval input")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(READY)
    assert page.locator("#explorer .interval output").inner_text() == "50 %"


@pytest.mark.slow
def test_without_webgl_the_map_is_plain(page, toys, tmp_path):
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        " return kind.startsWith('webgl') ? null : real.call(this, kind, ...more); };"
    )
    opened(page, tmp_path, toys)
    assert "no WebGL" in page.locator("#explorer .map .remark").inner_text()
    click_sample(page, "map", 6)
    assert field(page, "sample") == IDS[6]


LATENCY = """async () => {
    const canvas = document.querySelector("#explorer .strips canvas");
    const box = canvas.getBoundingClientRect();
    const view = document.getElementById("explorer").latentAtlas;
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    for (let row = 0; row < 10000; row += 500) {
        const [x, y] = view.placeOf(row).strips;
        const start = performance.now();
        const where = { clientX: box.left + x, clientY: box.top + y };
        canvas.dispatchEvent(new PointerEvent("pointermove", where));
        await frame();
        await frame();
        times.push(performance.now() - start);
    }
    return times;
}"""


@pytest.mark.slow
def test_ten_thousand_samples_answer_at_once(page, tmp_path, monkeypatch, record_property):
    monkeypatch.chdir(tmp_path)
    count, rng = 10_000, np.random.default_rng(0)
    labels = np.arange(count) % 10
    found = rng.integers(1, 1000, count), (np.arange(count) + 1) % count, rng.random(count)
    names, ids = [f"class {label}" for label in range(10)], [f"sample-{row}" for row in range(count)]
    write_samples(tmp_path, rng.normal(size=(count, 2)).astype("float32"), labels, names, ids, found)
    opened(page, tmp_path, fragment(plan_in(tmp_path), 5_000_000, ()))
    page.wait_for_timeout(500)
    times = sorted(page.evaluate(LATENCY))
    record_property("milliseconds from the pointer to the picture, median and largest", (times[10], times[-1]))
    assert times[10] < 200
