"""The page of a run in a browser: tables are sorted, filtered and paged, figures enlarged, and it fits any width."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config.load import load
from workflow_lib.plan.plan import Plan
from workflow_lib.report.write import write

MINIATURE = Path(__file__).parents[2] / "configs" / "miniature.yaml"
TABLE = "#kstar-training-table-classes"
EVIL = "</script><b>κ</b>"
CLASSES = [
    {
        "model": "cnn", "dataset": "digits", "seed": 0, "interval": interval, "split": "test", "transform": "original",
        "layer": "logits", "metric": "euclidean", "class_name": name, "n": 50, "left_out": 0, "censored": 0,
        "mean": mean, "skewness": -2.0, "pattern": "Clustered", "mean_low": mean - 0.01, "mean_high": mean + 0.01,
        "skewness_low": -2.5, "skewness_high": -1.5, "pattern_share": 1.0, "a_very_long_name_of_a_column": "x" * 90,
    }
    for interval in (25, 50, 100)
    for name, mean in [(f"class {number}", number / 10) for number in range(9)] + [("007", 0.95), (EVIL, 0.05)]
]  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """A page with all figures and tables of the miniature, made by hand."""
    folder = tmp_path_factory.mktemp("report")
    raw = yaml.safe_load(MINIATURE.read_text()) | {"results": "results"}
    raw["kstar"]["studies"]["training"]["title"] = EVIL
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("config.yaml").write_text(yaml.safe_dump(raw))
        plan = Plan(load(raw), DigestMemory(Path("digests")))
        for study in plan.kstar.values():
            for output in study.outputs:
                for path in map(Path, study.files(output).values()):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    _write(path)
        write(plan, [Path("config.yaml")], Path("results/report.html"))
    return folder / "results" / "report.html"


def _write(path: Path) -> None:
    if path.suffix == ".png":
        Image.new("RGB", (1600, 900), "#0072b2").save(path)
    elif path.suffix == ".svg":
        path.write_text("<svg xmlns='http://www.w3.org/2000/svg' width='1600' height='900'><circle r='400'/></svg>")
    elif path.name == "classes.csv":
        pd.DataFrame(CLASSES).to_csv(path, index=False)
    else:
        path.write_text("name,value\na,1\nb,2\n")


def rows(page, column):
    """Texts of a column that a table shows."""
    names = page.locator(f"{TABLE} thead th").all_inner_texts()
    place = next(n for n, name in enumerate(names, 1) if name.startswith(column))
    return page.locator(f"{TABLE} tbody td:nth-child({place})").all_inner_texts()


def test_a_table_is_sorted_filtered_and_paged(page, report):
    page.goto(report.as_uri())
    assert len(rows(page, "mean")) == 15
    assert page.locator(f"{TABLE} [role=status]").inner_text() == "Rows 1 to 15 of 33"
    head = page.locator(f"{TABLE} th", has_text="mean").first
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert rows(page, "mean")[:4] == ["0.0", "0.0", "0.0", "0.05"]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert rows(page, "class_name")[:3] == ["007"] * 3  # a name, not the number 7
    page.locator(f"{TABLE} input").fill("CLASS 8  100")
    assert rows(page, "class_name") == ["class 8"]
    page.locator(f"{TABLE} input").fill("nothing like it")
    assert page.locator(f"{TABLE} [role=status]").inner_text() == "No row has this text"
    page.locator(f"{TABLE} input").fill("")
    page.locator(f"{TABLE} button", has_text="Next").click()
    assert page.locator(f"{TABLE} [role=status]").inner_text() == "Rows 16 to 30 of 33"
    assert "model cnn, dataset digits" in page.locator(f"{TABLE} .same").inner_text()


def test_names_are_text_and_the_table_can_be_saved(page, report):
    page.goto(report.as_uri())
    page.locator(f"{TABLE} input").fill("script")
    assert set(rows(page, "class_name")) == {EVIL}
    assert page.locator("#kstar-training-title").inner_text() == EVIL
    with page.expect_download() as download:
        page.locator(f"{TABLE} button", has_text="Download").click()
    assert download.value.suggested_filename == "classes.csv"
    saved = (report.parent / "studies" / "kstar" / "training" / "classes.csv").read_bytes()
    assert Path(download.value.path()).read_bytes() == saved


@pytest.mark.parametrize("width", [390, 1280])
def test_no_part_is_wider_than_the_screen(page, report, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    page.wait_for_function(
        "document.querySelectorAll('.sheet').length === document.querySelectorAll('.sheet table').length"
    )
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_contents_are_folded_on_a_narrow_screen_only(page, report):
    page.goto(report.as_uri())
    assert page.locator("nav li a").first.is_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("!document.querySelector('nav details').open")
    page.locator("nav summary").press("Enter")
    assert page.locator("nav li a").first.is_visible()


def test_a_figure_is_enlarged_and_closed_by_keyboard(page, report):
    page.goto(report.as_uri())
    page.locator("#kstar-training-violins .enlarge").press("Enter")
    assert page.locator("dialog img").evaluate("image => image.width") == 1600
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


def test_a_link_to_a_closed_table_opens_it(page, report):
    page.goto(f"{report.as_uri()}#kstar-training-table-trend")
    assert page.locator("#kstar-training-table-trend tbody tr").count() == 2


def test_it_can_be_printed(page, report):
    page.goto(report.as_uri())
    assert page.pdf().startswith(b"%PDF")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("pre", has_text="architecture: small_cnn").is_visible()
