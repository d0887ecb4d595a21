"""The code fingerprint changes with code that can run, and with nothing else."""

import subprocess
import sys
import textwrap
from importlib import metadata

import pytest

from workflow_lib.code import fingerprint, libraries, sources
from workflow_lib.errors import UserError
from workflow_lib.runner.job import STEPS

STEP = """
    from pkg.kernel import work
    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        from pkg.drawing import Figure

    def step():
        \"\"\"Text.\"\"\"
        from pkg.inner import more  # a reason
        return more(work())
"""
MODULES = {
    "__init__": "",
    "step": STEP,
    "kernel": "import numpy\n\ndef work():\n    return 1\n",
    "inner": "def more(x):\n    return x + 1\n",
    "drawing": "class Figure: ...\n",
    "lazy/__init__": "def __getattr__(name):\n    return name\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    for name, text in MODULES.items():
        file = tmp_path / "pkg" / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text))
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(sources, "PACKAGE", "pkg")
    return tmp_path / "pkg"


def taken(module="pkg.step", memory=None):
    fingerprint.forget()
    return fingerprint.code_fingerprint(module, memory)


@pytest.fixture(autouse=True)
def _forget():
    yield
    taken("workflow_lib.errors")


def test_the_closure_holds_imports_inside_functions_but_none_for_type_checkers(package):
    taken()
    assert fingerprint.closure("pkg.step") == ["pkg", "pkg.inner", "pkg.kernel", "pkg.step"]
    assert list(fingerprint.library_versions("pkg.step")) == ["numpy"]


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("step", "# a reason", "# another reason"),
        ("step", "Text.", "Other text."),
        ("step", "return more(work())", "return more(\n            work(),\n        )"),
        ("drawing", "...", "pass"),
    ],
)
def test_comments_docstrings_layout_and_foreign_modules_do_not_count(package, module, old, new):
    before = taken()
    edit(package / f"{module}.py", old, new)
    assert taken() == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [("step", "work())", "work() + 1)"), ("kernel", "return 1", "return 2"), ("inner", "x + 1", "x - 1")],
)
def test_code_counts_wherever_it_is_imported_from(package, module, old, new):
    before = taken()
    edit(package / f"{module}.py", old, new)
    assert taken() != before


def test_the_version_of_a_library_counts(package, monkeypatch):
    before = taken()
    monkeypatch.setattr(libraries, "installed_version", lambda name: "0.0.1")
    assert taken() != before


def test_a_name_that_a_package_exports_lazily_is_refused(package):
    edit(package / "step.py", "from pkg.kernel import work", "from pkg.lazy import work")
    with pytest.raises(ValueError, match="pkg.step imports work from pkg.lazy, which exports it lazily"):
        taken()


VERBS = sorted(p.stem for p in STEPS.glob("*_*.py") if not p.stem.startswith("_"))
WITH_TORCH = {
    "check_network",
    "train_interval",
    "import_weights",
    "extract_features",
    "prepare_dataset",
    "transform_dataset",
    "encode_texts",
    "compute_kstar",
    "approximate_kstar",
} | {
    "make_prototypes",
    "attack_prototypes",
    "find_boundaries",
    "compute_dissimilarity",
    "train_replicates",
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_step_can_be_fingerprinted_and_draws_in_no_more_than_it_needs(verb):
    taken(f"workflow_lib.steps.{verb}")
    closure = fingerprint.closure(f"workflow_lib.steps.{verb}")
    assert not [module for module in closure if ".config" in module or ".plan" in module or ".runner" in module]
    if verb not in ("approximate_kstar", "compute_map"):
        assert "pynndescent" not in fingerprint.library_versions(f"workflow_lib.steps.{verb}")
    if verb not in WITH_TORCH:
        assert "torch" not in fingerprint.library_versions(f"workflow_lib.steps.{verb}")
    if not verb.startswith(("draw_", "render_")):
        assert not [module for module in closure if ".figures" in module]


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_what_is_remembered_follows_every_edit(package, tmp_path):
    memory = tmp_path / "memory"
    before = taken(memory=memory)
    source = (package / "kernel.py").read_text()
    (package / "kernel.py").write_text(source.replace("return 1", "return 2"))
    assert taken(memory=memory) == taken() != before
    (package / "kernel.py").write_text(source)
    assert taken(memory=memory) == taken() == before


def records(memory):
    return sorted(path for path in memory.rglob("*") if path.is_file())


def test_a_source_is_parsed_once_for_all_modules_that_run_it(package, tmp_path, monkeypatch):
    memory = tmp_path / "memory"
    taken(memory=memory)
    assert len(records(memory)) == len(fingerprint.closure("pkg.step"))
    edit(package / "kernel.py", "return 1", "return 2")
    parsed = []
    parse = sources._parse
    monkeypatch.setattr(
        sources, "_parse", lambda source, module, *rest: parsed.append(module) or parse(source, module, *rest)
    )
    taken(memory=memory)
    assert parsed == ["pkg.kernel"]


@pytest.mark.parametrize("name", ["pkg/extra.py", "pkg/kernel/__init__.py"])
def test_what_is_remembered_follows_modules_that_come_and_go(package, tmp_path, name):
    edit(package / "step.py", "from pkg.kernel import work", "from pkg.kernel import work\nfrom pkg import extra")
    memory = tmp_path / "memory"
    before = taken(memory=memory)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("def work():\n    return 3\n")
    assert taken(memory=memory) == taken() != before
    (tmp_path / name).unlink()
    assert taken(memory=memory) == taken() == before


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[1, 2, 3, 4]", '["x", [], [], {}]', '{"digest": "x"}'])
def test_damaged_records_of_sources_are_read_anew(package, tmp_path, text):
    memory = tmp_path / "memory"
    before = taken(memory=memory)
    for record in records(memory):
        record.write_text(text)
    assert taken(memory=memory) == before
    assert not [record for record in records(memory) if record.read_text() == text]


def test_another_reader_of_sources_believes_no_record_of_this_one(package, tmp_path, monkeypatch):
    memory = tmp_path / "memory"
    taken(memory=memory)
    for record in records(memory):
        record.write_text(record.read_text().replace("numpy", "pillow"))
    assert list(fingerprint.library_versions("pkg.step", memory)) == ["numpy"]  # of this process
    taken(memory=memory)
    assert list(fingerprint.library_versions("pkg.step", memory)) == ["pillow"]
    monkeypatch.setattr(sources, "_readers", lambda: "another")
    taken(memory=memory)
    assert list(fingerprint.library_versions("pkg.step", memory)) == ["numpy"]


def test_versions_of_libraries_are_those_that_importlib_tells():
    names = {found.metadata["Name"] for found in metadata.distributions()}
    assert len(names) > 20
    assert {name: libraries.installed_version(name) for name in names} == {
        name: metadata.version(name) for name in names
    }
    assert libraries.installed_version("no-such-library") == ""


def test_a_version_is_found_where_python_looks_for_modules(tmp_path, monkeypatch):
    """The first place on the path counts; names are compared as installers write them."""
    for place, version in (("first", "1.0+cpu"), ("second", "2.0")):
        folder = tmp_path / place / "My_Library-0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: My.Library\nVersion: {version}\n\nVersion: 9\n")
    monkeypatch.setattr("sys.path", [str(tmp_path / "none"), str(tmp_path / "first"), str(tmp_path / "second")])
    fingerprint.forget()
    try:
        assert libraries.installed_version("my-library") == "1.0+cpu"
    finally:
        fingerprint.forget()


@pytest.mark.parametrize("name", ["kernel.so", "kernel.pyc", "kernel/__init__.pyc", "kernel/__init__.so"])
def test_what_python_runs_in_the_place_of_a_source_is_refused(package, name):
    """A `.pyc` beside a source is not run; one in a package without a source is."""
    before = taken()
    (package / "kernel").mkdir()
    (package / name).write_bytes(b"")
    if name == "kernel.pyc":
        assert taken() == before
    else:
        with pytest.raises(UserError, match=f"{name}\n    Python runs this file, and not the source of pkg.kernel"):
            taken()


def test_the_next_fingerprint_after_forgetting_is_that_of_the_files_now(package):
    before = taken()
    edit(package / "kernel.py", "return 1", "return 2")
    assert fingerprint.code_fingerprint("pkg.step") == before
    fingerprint.forget()
    assert fingerprint.code_fingerprint("pkg.step") != before


HARMLESS = {
    *("cffi", "charset-normalizer", "cloudpickle", "cycler", "donfig", "fsspec", "google-crc32c", "msgpack"),
    *("narwhals", "packaging", "psutil", "pycparser", "pyparsing", "python-dateutil", "pyyaml", "rich"),
    "typing-extensions",
}
"""Distributions that our libraries load, and that carry no numbers."""
IMPORTS = {
    **{"matplotlib": "matplotlib.pyplot", "numba": "numba", "scikit-learn": "sklearn.manifold", "torch": "torch"},
    **{"umap-learn": "umap", "xarray": "xarray", "zarr": "zarr"},
}
BESIDE = {
    "numba": {"scipy"},
    "pandas": {"pyarrow"},
    "scikit-learn": {"pandas", "pyarrow", "threadpoolctl"},
    "torch": {"numpy", "tqdm"},
    "umap-learn": {"tqdm"},
}
"""What a library loads for another purpose than ours: linear algebra in compiled code, columns, tables as arguments."""


@pytest.mark.slow
@pytest.mark.parametrize("library", IMPORTS)
def test_what_a_library_loads_is_behind_it_or_harmless(library):
    program = f"""
import sys
at_start = set(sys.modules)  # Hooks of installed packages run before any program, for example that of setuptools.
import {IMPORTS[library]}
print(*{{name.split(".")[0] for name in set(sys.modules) - at_start}})
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    owners = metadata.packages_distributions()
    names = [name for name in done.stdout.split() if name not in sys.stdlib_module_names]
    loaded = {libraries.normal(owner) for name in names for owner in owners.get(name, ())}
    known = set(libraries.versions([library]))
    beside = set().union(*(BESIDE.get(name, set()) for name in known))
    assert library in loaded
    assert loaded - known - beside - HARMLESS == set()


def test_what_torch_brings_for_gpus_does_not_count(monkeypatch):
    monkeypatch.setattr(libraries, "installed_version", lambda name: "1.0")
    assert libraries.versions(["triton", "torch"]) == {"torch": "1.0"}


def test_libraries_behind_our_libraries_count():
    assert {"pynndescent", "llvmlite", "scipy", "joblib"} <= set(libraries.versions(["umap_learn"]))
    assert "pillow" in libraries.versions(["torchvision"])
    assert "numcodecs" in fingerprint.library_versions("workflow_lib.steps.compute_kstar")
    assert "llvmlite" in fingerprint.library_versions("workflow_lib.steps.compute_kstar")
    assert "pyarrow" in fingerprint.library_versions("workflow_lib.steps.compute_map")


@pytest.mark.parametrize("verb", VERBS)
def test_every_library_of_a_step_says_what_is_behind_it(verb):
    assert set(fingerprint.library_versions(f"workflow_lib.steps.{verb}")) - libraries.BEHIND.keys() == set()
