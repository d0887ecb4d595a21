"""The page of a run, from results written by hand: what is there, missing, outdated, failed or damaged."""

import contextlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from PIL import Image
from test_report_findings import a_class, clustered, fractured, trend
from test_why import finish, planned, record_of

from workflow_lib.config.load import load
from workflow_lib.errors import UserError
from workflow_lib.plan.plan import FAMILIES
from workflow_lib.report import facts, page, tables, write
from workflow_lib.report.captions import FOLDER, caption
from workflow_lib.report.files import Budget, script_text, sheet
from workflow_lib.report.tables import MEANINGS, columns

EVIL = "</script><img src=x onerror=alert(1)> \"q\" 'é' κ,7"
VIOLINS = Path("results/studies/kstar/training/violins.png")
CLASSES = Path("results/studies/kstar/training/classes.csv")


def with_evil_titles(raw):
    raw["kstar"]["studies"]["training"] |= {"title": EVIL, "description": f"Why {EVIL}?"}


def write_result(path):
    """A small file of its kind."""
    if path.suffix == ".png":
        Image.new("RGB", (40, 20)).save(path)
    elif path.suffix == ".svg":
        path.write_text("<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'/>")
    elif path.name == "classes.csv":
        pd.DataFrame([fractured(EVIL), clustered("007"), a_class("c", share=0.5)]).to_csv(path, index=False)
    elif path.name == "trend.csv":
        trend().to_csv(path, index=False)
    else:
        path.write_text(f"place,value\n{path},1\n{path},2\n")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    with contextlib.chdir(folder):
        finish(planned(with_evil_titles), write_result)
        Path("config.yaml").write_text(f"# {EVIL}\n")
    return folder


@pytest.fixture
def finished(whole, tmp_path, monkeypatch):
    """A working directory with these results; those of the studies are copies, which a test may change."""
    shutil.copy(whole / "config.yaml", tmp_path)
    for parent in ("results", "results/provenance"):
        Path(tmp_path, parent).mkdir()
        shutil.copytree(whole / parent / "studies", tmp_path / parent / "studies")
        for folder in Path(whole, parent).iterdir():
            if not (tmp_path / parent / folder.name).exists() and folder.name != "provenance":
                (tmp_path / parent / folder.name).symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LATENT_ATLAS_CACHE", raising=False)
    return tmp_path


class Elements(HTMLParser):
    """Names, attributes and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())

    def all(self, name):
        return [attributes for tag, attributes in self.found if tag == name]


def made(change=with_evil_titles, target=Path("results/report.html")):
    """The page of a changed config, and its summary."""
    written = write.write(planned(change), [Path("config.yaml")], target)
    return Elements(target.read_text()), written.summary


def test_a_finished_run_is_shown_whole(finished):
    shown, summary = made()
    assert (summary.missing, summary.outdated, summary.failed) == (0, 0, 0)
    assert f"All {summary.total} tables and figures are there and up to date." in shown.text
    assert summary.bytes == Path("results/report.html").stat().st_size < page.LIMIT
    assert "Of 3 classes, 1 is Fractured and 1 is Clustered; the pattern of 1 is not certain." in shown.text
    images = shown.all("img")
    assert len(images) == 1 + 9  # the first screen shows one of them twice
    assert all(image["alt"] and image["src"].startswith("data:image/") for image in images)


def test_names_of_users_are_only_text(finished):
    shown, _ = made()
    assert not [tag for tag, attributes in shown.found if "onerror" in attributes]
    assert all(image["src"].startswith("data:") for image in shown.all("img"))
    assert f"Why {EVIL}?" in shown.text
    text = Path("results/report.html").read_text()
    sheets = re.findall(r'data-name="classes.csv".*?<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert json.loads(sheets[0]) == CLASSES.read_text()


def test_nothing_is_asked_of_a_network_and_all_ids_differ(finished):
    shown, _ = made()
    ids = [attributes["id"] for _, attributes in shown.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = [link["href"][1:] for link in shown.all("a") if link["href"].startswith("#")]
    assert set(inside) <= set(ids)
    loaded = [attributes.get("src") or attributes.get("href") for tag, attributes in shown.found if tag != "a"]
    assert not [url for url in loaded if url and not url.startswith("data:")]


def test_links_lead_to_the_files(finished):
    shown, _ = made()
    local = [link["href"] for link in shown.all("a") if not re.match("#|https?:", link["href"])]
    assert len(local) > 50
    assert [href for href in local if not Path("results", href.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("lost", [VIOLINS, VIOLINS.with_suffix(".svg"), VIOLINS.with_suffix(".csv")])
def test_a_missing_figure_is_marked_and_stops_nothing(finished, lost):
    lost.unlink()
    shown, summary = made()
    assert summary.missing == 1
    assert f"1 of {summary.total} tables and figures is missing." in shown.text
    assert f"To make it: latent-atlas run {VIOLINS}" in shown.text
    assert len(shown.all("img")) == 1 + 8


def test_a_missing_table_is_marked(finished):
    CLASSES.unlink()
    shown, summary = made()
    assert (summary.missing, summary.outdated) == (1, 0)
    assert "Not made yet." in shown.text
    assert "is the only one that is certainly Fractured" in shown.text  # of the other study


def test_an_edit_of_the_config_marks_what_is_outdated(finished):
    def change(raw):
        with_evil_titles(raw)
        raw["kstar"]["threshold"] = 0.7

    shown, summary = made(change)
    assert 0 < summary.outdated < summary.total
    assert "kstar.threshold: 0.5 -> 0.7" in shown.text
    assert "These sentences are made from tables that the next run makes again." in shown.text
    assert summary.missing == 0


def test_what_follows_from_outdated_tables_is_outdated(finished):
    def change(raw):
        with_evil_titles(raw)
        raw["kstar"]["skewness"] = "plain"

    shown, _ = made(change)
    assert 'kstar.skewness: "anchored" -> "plain"' in shown.text
    assert "It was made from results that have changed" in shown.text


def test_a_lost_record_is_told(finished):
    record_of(VIOLINS).unlink()
    for suffix in (".svg", ".csv"):
        record_of(VIOLINS.with_suffix(suffix)).unlink()
    shown, summary = made()
    assert (summary.missing, summary.outdated) == (0, 0)
    assert "so whether it is up to date is not known" in shown.text


def test_a_failed_job_is_shown_with_the_end_of_its_log(finished):
    VIOLINS.unlink()
    log = Path("results/logs/draw_violins/training.log")
    log.parent.mkdir(parents=True)
    log.write_text("draw_violins: 1 problem:\nclasses: 3\n    must be <b>more</b>\n    -> add one\n")
    shown, summary = made()
    assert summary.failed == 1
    assert "must be <b>more</b>" in shown.text
    assert "Its job failed." in shown.text


def test_an_old_log_of_a_finished_job_is_no_failure(finished):
    log = Path("results/logs/draw_violins/training.log")
    log.parent.mkdir(parents=True)
    log.write_text("Traceback (most recent call last):\n")
    assert made()[1].failed == 0


@pytest.mark.parametrize("content", [b"", b"\x89PNG but not really", b"\xff\xfe"])
def test_damaged_files_are_told(finished, content):
    for path in (VIOLINS, CLASSES, CLASSES.with_name("trend.csv")):
        path.write_bytes(content)
    shown, _ = made()
    assert "It cannot be shown:" in shown.text


def test_without_results_it_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("datasets: {}\n")
    shown, summary = made()
    assert summary.missing == summary.total > 0
    assert "There are no results yet." in shown.text
    assert "latent-atlas run" in shown.text
    assert EVIL in shown.text


def test_tables_of_an_earlier_version_say_nothing(finished):
    CLASSES.write_text("model,mean\ncnn,0.5\n")
    assert "What was run" in made()[0].text


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("nowhere/page.html", "this folder does not exist"),
        ("results", "is a folder"),
        ("config.yaml/x", "is not a folder"),
    ],
)
def test_a_page_that_cannot_be_written_is_told_in_words(finished, target, what):
    with pytest.raises(UserError, match=what):
        made(target=Path(target))


def test_an_earlier_page_stays_if_the_new_one_fails(finished, monkeypatch):
    made()
    before = Path("results/report.html").read_bytes()
    monkeypatch.setattr(write, "render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made()
    assert Path("results/report.html").read_bytes() == before
    assert [path.name for path in Path("results").iterdir() if path.name.startswith(".report")] == []


def test_the_page_stays_below_its_limit(finished, monkeypatch):
    monkeypatch.setattr(page, "PICTURES", 300)
    monkeypatch.setattr(page, "TABLES", 600)
    shown, _ = made()
    assert "This figure is too large for the page." in shown.text
    assert "The page holds the first 0 of 2 rows" in shown.text


def test_a_long_table_is_cut_at_a_whole_row(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("name,n\n" + "".join(f'"a\nb",{n}\n' for n in range(3000)))
    found = sheet(path, Budget(10**6))
    kept = json.loads(found.text)
    assert kept.count('"') % 2 == 0
    assert kept.endswith("\n")
    assert (found.rows, found.shown) == (3000, 2000)
    assert sheet(path, Budget(100)).shown < 20


def test_json_cannot_end_its_script():
    text = script_text(EVIL)
    assert "<" not in text
    assert json.loads(text) == EVIL


def test_every_table_has_a_meaning_and_every_figure_a_caption():
    for family in FAMILIES:
        csvs = {
            Path(file).stem
            for output in family.all_outputs
            for file in output.files.values()
            if output.kind == "tables" and file.endswith(".csv")
        }
        assert csvs == set(tables.MEANINGS[family.family])
        assert tables.FIRST[family.family] in csvs
        for output in family.all_outputs:
            assert not output.is_figure or all(caption(output.name))


def test_captions_are_html_without_errors_of_their_markup():
    for path in FOLDER.glob("*.rst"):
        first, rest = caption(path.stem)
        assert first.endswith(".")
        assert "system-message" not in rest
        assert not any(sign in rest for sign in ("``", "**", "{{")), path


def test_samples_have_the_name_of_their_kind():
    config = load(
        {
            "datasets": {
                "flowers": {"source": "iris"},
                "intents": {"source": "text", "path": "a.csv", "test_fraction": 0.5},
                "vectors": {"source": "encoded", "of": "intents", "encoder": "tfidf"},
                "digits": {"source": "digits"},
            }
        },
        check_files=False,
    )
    plan = SimpleNamespace(config=config)
    named = {name: facts.unit(plan, name) for name in config.datasets}
    assert named == {"flowers": "rows", "intents": "texts", "vectors": "texts", "digits": "images"}


@pytest.mark.parametrize(("family", "name"), [(family, name) for family in MEANINGS for name in MEANINGS[family]])
def test_the_page_explains_the_columns_of_every_table(family, name):
    text = columns(family, name)
    assert text.startswith("<strong>Rows:</strong> ")
    assert not re.search(r"\]\(|\\\*|`|\.md", text)


def test_tables_of_one_name_are_explained_by_their_family():
    assert "C by targets" in columns("prototypes", "pairs")
    assert "diverged" in columns("confusion", "pairs")
    assert not columns("kstar", "nothing")


@pytest.mark.parametrize("is_made", [True, False])
def test_links_to_the_documentation_are_pages_that_a_browser_shows(finished, monkeypatch, is_made):
    site = Path("documentation")
    monkeypatch.setattr(page, "SITE", site)
    if is_made:
        site.mkdir()
        (site / "index.html").write_text("")
    links = {link["href"] for link in made()[0].all("a")}
    assert ("../documentation/science.html" in links) == is_made
    assert {link for link in links if link.endswith((".md", ".cff")) or ".md#" in link} <= {
        link for link in links if link.endswith("/table.md")
    }
