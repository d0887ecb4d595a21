"""What artifacts hold, and what names out of the data can do: nothing runs, nothing breaks, nothing leaves results/."""

import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import xarray as xr
import yaml
from project import Project, shipped

from workflow_lib.figures.reading import read_named
from workflow_lib.io import storage

pytestmark = pytest.mark.workflow

CODECS = {"bytes", "zstd", "vlen-utf8"}
TYPES = {"uint8", "int64", "float32", "float64", "string"}
LATEX = {
    *("begin", "end", "usepackage", "caption", "centering", "small", "multicolumn", "ldots"),
    *("toprule", "cmidrule", "midrule", "bottomrule", "resizebox", "ifdim", "width", "linewidth", "else", "fi"),
    *("textbackslash", "textbar", "textgreater", "textless", "textasciicircum", "textasciitilde"),
}
"""Commands that a table for LaTeX may hold."""
PLAIN_TEXT = (".csv", ".json", ".log", ".tsv")

NAMES = [
    *("../../x", "a b", "a/b", "a,b", "{a,b}", "{seed}", "-leading", " leading", "trailing ", "é ß 漢字 🦄"),
    *('q"uote', "apos'trophe", "$(touch x)", "`touch x`", "; touch x", "%s %d", r"\n", "$x^2$", "$x_{1$", "=1+1"),
    *("<script>alert(1)</script>", "--> ]]>", "&amp;", "nan", "NA", "None", "true", "007", "1e5", "all", "#3"),
    *("x" * 300, "x" * 299 + "y"),
]
TITLE = "$x_{1$ <b> {wildcards.study} {input} '\"; $(touch x) `touch x` %s"


def runs_code(path):
    """What in an artifact could run, or is of a kind that nobody looked at; None if nothing."""
    match "".join(path.suffixes[-2:] if path.name.endswith(".zarr.zip") else path.suffixes[-1:]):
        case ".zarr.zip":
            return _store_beyond_numbers_and_text(path)
        case ".pt":
            return torch.serialization.get_unsafe_globals_in_checkpoint(path) or None
        case ".parquet":
            return {str(kind) for kind in pq.read_schema(path).types} - {
                "string",
                "large_string",
                "int64",
                "double",
            } or None
        case ".svg":
            return _active_elements(ElementTree.parse(path).getroot())
        case ".html":
            return _active_tags(path.read_text())
        case ".png":
            return None if path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n") else "no image"
        case ".md":
            return re.findall(r"(?<!\\)<", path.read_text("utf-8")) or None  # no HTML
        case ".tex":
            return set(re.findall(r"\\([A-Za-z]+)", path.read_text("utf-8"))) - LATEX or None
        case suffix if suffix in PLAIN_TEXT:
            path.read_text(encoding="utf-8")
            return None
        case suffix:
            return f"unknown kind {suffix}"


def _store_beyond_numbers_and_text(path):
    with zipfile.ZipFile(path) as archive:
        found = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith("zarr.json")]
    arrays = [metadata for metadata in found if metadata["node_type"] == "array"]
    odd = {codec["name"] for array in arrays for codec in array["codecs"]} - CODECS
    odd |= {str(array["data_type"]) for array in arrays} - TYPES
    return odd | {metadata["zarr_format"] for metadata in found} - {3} or None


def _active_elements(root):
    names = [element.tag for element in root.iter()] + [name for element in root.iter() for name in element.attrib]
    links = [element.get(name) for element in root.iter() for name in element.attrib if name.endswith("href")]
    active = [name for name in names if re.search(r"script|foreignObject|}?on\w+$", name)]
    return active + [link for link in links if not link.startswith(("#", "data:image/png;base64,"))] or None


def _active_tags(text):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            names = [name for name, _ in attrs]
            if tag in ("script", "img", "iframe", "object", "a", "link") or any(n.startswith("on") for n in names):
                found.append(tag)

    Reader().feed(text)
    return found or None


def visible_files(folder, *inside):
    """Files below a folder of a project, without caches of Snakemake and Python."""
    hidden = (".snakemake", "__pycache__")
    files = (path for path in folder.joinpath(*inside).rglob("*") if path.is_file())
    return {path for path in files if not set(hidden) & set(path.relative_to(folder).parts)}


def test_no_artifact_of_a_run_holds_anything_that_could_run(finished):
    results = finished.folder / "results"
    files = [path for path in visible_files(results) if ".cache" not in path.parts and path.stat().st_size]
    assert {path.suffix for path in files} >= {".zip", ".pt", ".parquet", ".svg", ".html", ".png", ".csv", ".json"}
    assert {path: what for path in files if (what := runs_code(path))} == {}


class Code:
    """Would run when it is unpickled."""

    def __reduce__(self):
        return print, ("code has run",)


def test_what_could_run_is_found(tmp_path):
    torch.save({"network": Code()}, tmp_path / "a.pt")
    pd.DataFrame({"x": [b"binary"]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><g onload="x()"/></svg>')
    (tmp_path / "a.html").write_text("<p><script>x()</script></p>")
    (tmp_path / "a.png").write_bytes(b"code")
    (tmp_path / "a.md").write_text("| <script>x()</script> |")
    (tmp_path / "a.tex").write_text(r"\\caption{\\input{x}}")
    (tmp_path / "a.pkl").write_bytes(b"code")
    with zipfile.ZipFile(tmp_path / "a.zarr.zip", "w") as archive:
        array = {"node_type": "array", "zarr_format": 3, "codecs": [{"name": "pickle"}], "data_type": "int64"}
        archive.writestr("zarr.json", json.dumps(array))
    assert [path.name for path in sorted(tmp_path.iterdir()) if not runs_code(path)] == []


def odd_project(folder):
    """A project in a folder of an odd name, with features of classes of odd names under an odd path."""
    folder.mkdir()
    project = Project(folder)
    features = np.random.default_rng(0).normal(size=(6 * len(NAMES), 4))
    path = Path("data", "odd 'dir\"; $(touch x) é", "{a,b} $HOME.parquet")
    (project.folder / path.parent).mkdir(parents=True)
    table = pd.DataFrame({"features": list(features), "labels": np.repeat(NAMES, 6)})
    table.assign(ids=[f"{name}-{row}" for row, name in enumerate(table["labels"])]).to_parquet(project.folder / path)
    config = yaml.safe_load(shipped("embeddings"))
    config["datasets"]["embeddings"] |= {"path": str(path), "ids": "ids"}
    config["kstar"]["studies"]["embeddings"] |= {"title": TITLE, "description": TITLE, "maps": ["pca"]}
    (project.folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    return project


@pytest.mark.slow
def test_names_out_of_the_data_are_text_everywhere(tmp_path):
    project = odd_project(tmp_path / "odd 'place\"; $HOME é")
    before = visible_files(tmp_path)
    run = project.snakemake()
    assert run.code == 0, run.output
    results = project.folder / "results"
    assert {path for path in visible_files(tmp_path) - before if not path.is_relative_to(results)} == set()

    with xr.open_dataset(results / "features" / "imported" / "embeddings.zarr.zip") as store:
        assert set(store["class"].values.tolist()) == set(NAMES)
    study = results / "studies" / "kstar" / "embeddings"
    assert set(read_named(study / "classes.csv")["class_name"]) == set(NAMES)
    assert set(read_named(study / "neighbours.csv")["neighbour_class"]) == set(NAMES)
    assert set(storage.read_table(study / "maps.csv", ["class_name"])["class_name"]) == set(NAMES)
    assert {path: what for path in visible_files(study) if (what := runs_code(path))} == {}
    page = (study / "tables.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt; {wildcards.study} {input}" in page
    assert project.snakemake().started == set()
