"""The fingerprint of a user's function changes with all code that it can run; what cannot be followed is refused."""

import subprocess
import sys
import textwrap
import zipfile
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

import workflow_lib
from workflow_lib.code import fingerprint
from workflow_lib.code.functions import function_code, function_source
from workflow_lib.errors import UserError
from workflow_lib.user_code import call

PACKAGE_ROOT = str(Path(workflow_lib.__file__).parent.parent)
FILES = {
    "net.py": """
        from typing import TYPE_CHECKING

        import nets
        from nets.blocks import head
        from rest import *

        if TYPE_CHECKING:
            import drawing

        def make():
            import late
            return late.build(head)
    """,
    "nets/__init__.py": "from .wide import Wide as Net",
    "nets/wide.py": "import nets\nfrom . import parts\nfrom .. import nowhere\n\nclass Wide: width = parts.WIDTH",
    "nets/parts.py": "WIDTH = 3",
    "nets/blocks/heads.py": "head = 1",
    "nets/blocks/__init__.py": "__getattr__, __dir__, __all__ = lazy.attach(__name__, ['heads'])",
    "nets/unused.py": "x = 1",
    "rest.py": "import spaces.inner",
    "spaces/inner.py": "x = 1",
    "late.py": "import statistics\nbuild = 1",
    "drawing.py": "x = 1",
    "statistics.py": "x = 1",
}
REACHED = {
    *("net", "nets", "nets.wide", "nets.parts", "nets.blocks", "nets.blocks.heads"),
    *("rest", "spaces.inner", "late", "statistics"),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, with a user's own modules."""
    folder = tmp_path / "here"
    for name, text in FILES.items():
        write(folder / name, text)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield folder
    fingerprint.forget()


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


def test_imports_are_followed_through_packages_and_re_exports(here):
    """Also those of namespace packages and inside functions, and all modules of a package with lazy names."""
    assert set(function_code("net:make").files) == REACHED


@pytest.mark.parametrize("file", ["nets/parts.py", "nets/__init__.py", "nets/blocks/heads.py", "spaces/inner.py"])
def test_code_counts_wherever_it_is_imported_from(here, file):
    before = function_source("net:make")
    text = (here / file).read_text()
    (here / file).write_text(f"# a comment\n{text}")
    assert function_source("net:make") == before
    (here / file).write_text(f"{text}\ny = 2\n")
    assert function_source("net:make") != before


def test_a_package_hides_the_file_beside_it_as_it_does_for_python(here):
    write(here / "rest/__init__.py", "x = 1")
    assert function_code("net:make").files["rest"] == here / "rest/__init__.py"
    assert "spaces.inner" not in function_code("net:make").files
    before = function_source("net:make")
    write(here / "rest.py", "x = 2")
    assert function_source("net:make") == before


def test_the_working_directory_comes_before_the_path(here, tmp_path, monkeypatch):
    write(tmp_path / "other/late.py", "build = 2")
    write(tmp_path / "other/only_there.py", "x = 1")
    monkeypatch.syspath_prepend(tmp_path / "other")
    write(here / "rest.py", "import only_there")
    files = function_code("net:make").files
    assert files["late"] == here / "late.py"
    assert files["only_there"] == tmp_path / "other/only_there.py"


@pytest.mark.parametrize("name", ["late.cpython-311-x86_64-linux-gnu.so", "late.abi3.so", "late.so"])
def test_an_extension_module_counts_by_its_bytes_before_the_source(here, name):
    from importlib.machinery import EXTENSION_SUFFIXES

    if name.removeprefix("late") not in EXTENSION_SUFFIXES:
        pytest.skip("an extension module of another Python")
    (here / name).write_bytes(b"one")
    before = function_source("net:make")
    assert function_code("net:make").files["late"] == here / name
    (here / name).write_bytes(b"two")
    assert function_source("net:make") != before


def test_a_zip_archive_counts_by_its_bytes(here, tmp_path, monkeypatch):
    archive = tmp_path / "more.zip"
    sources = []
    for value in (1, 2):
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("packed.py", f"import nets.unused\nx = {value}\n")
        monkeypatch.syspath_prepend(archive)
        write(here / "rest.py", "import packed")
        code = function_code("net:make")
        assert code.files["packed"] == archive
        assert "nets.unused" in code.files
        sources.append(code.fingerprint)
    assert sources[0] != sources[1]


def install(folder, name, version="1.0", requires=(), modules=None):
    """An installed distribution, as far as its metadata tell."""
    for module in modules or [name]:
        write(folder / f"{module}/__init__.py", "import helper_of_it\ndef make(): return 1\n")
    needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
    metadata = folder / f"{name}-{version}.dist-info"
    write(metadata / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
    write(metadata / "RECORD", "".join(f"{module}/__init__.py,,\n" for module in modules or [name]))
    return metadata


def versions(reference="net:make"):
    fingerprint.forget()
    return function_code(reference).versions


def test_installed_distributions_count_by_version_and_with_what_they_require(here, tmp_path, monkeypatch):
    folder = tmp_path / "lib" / "site-packages"
    monkeypatch.syspath_prepend(folder)
    write(here / "rest.py", "import vision.layers")
    install(folder, "computer_vision", "2.1+cu12", ["tensors>=1", 'pages; extra == "docs"'], ["vision"])
    install(folder, "tensors", "0.3")
    install(folder, "pages")
    assert versions() == {"computer-vision": "2.1", "tensors": "0.3"}
    assert set(function_code("net:make").files) == REACHED - {"spaces.inner"}
    before = function_source("net:make")
    (folder / "tensors-0.3.dist-info/METADATA").write_text("Name: tensors\nVersion: 0.4\n")
    assert versions()["tensors"] == "0.4"
    assert function_source("net:make") != before
    assert versions("vision:make") == {"computer-vision": "2.1", "tensors": "0.4"}


def test_an_editable_installation_counts_by_its_sources(here, tmp_path, monkeypatch):
    """Its metadata are among the installed ones, or beside its sources; its record lists no sources."""
    source, shared = tmp_path / "src", tmp_path / "lib" / "site-packages"
    write(source / "mine/__init__.py", "from .inner import x")
    write(source / "mine/inner.py", "x = 1")
    write(source / "mine.egg-info/top_level.txt", "mine\n")
    write(install(shared, "mine", modules=["none"]) / "RECORD", "__editable__.mine.pth,,\n")
    for folder in (source, shared):
        monkeypatch.syspath_prepend(folder)
    write(here / "rest.py", "import mine")
    code = function_code("net:make")
    assert code.files["mine.inner"] == source / "mine/inner.py"
    assert code.versions == {}
    write(source / "mine/inner.py", "x = 2")
    assert function_source("net:make") != code.fingerprint


def test_an_editable_installation_with_a_finder_of_its_own_counts_by_its_sources(here, tmp_path, monkeypatch):
    class Finder:
        def find_spec(self, name, path=None, target=None):
            file = tmp_path / "src/mine/__init__.py"
            folders = [str(file.parent)]
            return spec_from_file_location(name, file, submodule_search_locations=folders) if name == "mine" else None

    write(tmp_path / "src/mine/__init__.py", "from .inner import x")
    write(tmp_path / "src/mine/inner.py", "x = 1")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    write(here / "rest.py", "import mine")
    assert function_code("net:make").files["mine.inner"] == tmp_path / "src/mine/inner.py"


def test_names_of_imports_and_of_distributions_may_differ(here):
    write(here / "rest.py", "import sklearn, yaml, PIL.Image")
    assert {"scikit-learn", "pyyaml", "pillow", "scipy"} <= set(versions())


def test_a_source_that_is_no_python_is_named(here):
    write(here / "nets/parts.py", "WIDTH = 3\nclass:\n")
    with pytest.raises(UserError, match="nets/parts.py:2\n    is not valid Python: invalid syntax"):
        function_source("net:make")


LOADERS = {
    "import_module": "import importlib\n    return importlib.import_module('plug' + 'in').x",
    "__import__": "return __import__('plug' + 'in').x",
    "exec": "space = {}\n    exec(open('plugin.py').read(), space)\n    return space['x']",
    "run_path": "import runpy\n    return runpy.run_path('plugin.py')['x']",
    "an exception that is caught": (
        "try:\n        return __import__('plug' + 'in')\n    except Exception:\n        return 0"
    ),
}


@pytest.mark.parametrize("loader", LOADERS)
def test_code_that_cannot_be_followed_is_refused(here, loader):
    name = f"loads_{[*LOADERS].index(loader)}"  # modules are imported once
    write(here / "plugin.py", "x = 1")
    (here / f"{name}.py").write_text(f"def make():\n    {LOADERS[loader]}\n")
    with pytest.raises(UserError) as caught:
        call(f"{name}:make", {}, "models.net.architecture")
    assert f"{name} loads plugin.py in a way that cannot be followed" in str(caught.value)
    assert "write `import plugin` at the top" in str(caught.value)
    assert "plugin" not in sys.modules


def test_followed_code_and_libraries_are_no_matter(here, capfd):
    write(here / "follows.py", "import helper_a\ndef make():\n    import wave, numpy as np\n    return helper_a.x\n")
    write(here / "helper_a.py", "x = 5")
    assert call("follows:make", {}, "key") == 5
    assert capfd.readouterr().err == ""


NOTES_ITS_CALLERS = """
    import linecache, traceback

    def make():
        linecache.clearcache()  # nobody has read the files before
        return "".join(traceback.format_stack())
"""


def test_a_library_may_read_the_lines_of_its_callers(here, capfd):
    write(here / "notes.py", NOTES_ITS_CALLERS)
    assert "test_a_library_may_read_the_lines_of_its_callers" in call("notes:make", {}, "key")
    assert capfd.readouterr().err == ""


READS = """
    from pathlib import Path

    def make():
        return [Path(f"data/{name}.txt").read_text() for name in ("one", "two")]
"""


def test_data_that_the_config_does_not_name_are_listed(here, capfd):
    for name in ("one", "two"):
        write(here / f"data/{name}.txt", name)
    write(here / "reads.py", READS)
    assert call("reads:make", {}, "function", ["data/one.txt"]) == ["one", "two"]
    assert capfd.readouterr().err.startswith("reads:make has read data/two.txt; an edit of data is noticed only if")
    call("reads:make", {}, "function", ["data"])
    assert capfd.readouterr().err == ""


MACHINE_CODE = """
import os
from workflow_lib.user_code import call
call("follows:make", {}, "key")
print(os.environ["NUMBA_CACHE_DIR"])
"""


def test_machine_code_is_kept_apart_for_each_state_of_the_code(here, monkeypatch):
    write(here / "follows.py", "import helper_a\ndef make(): return 1\n")
    folders = []
    monkeypatch.setenv("NUMBA_CACHE_DIR", "chosen")
    monkeypatch.setenv("PYTHONPATH", PACKAGE_ROOT)
    for value in (1, 2, 1):
        write(here / "helper_a.py", f"x = {value}")
        done = subprocess.run([sys.executable, "-c", MACHINE_CODE], capture_output=True, text=True, check=True)
        folders.append(done.stdout)
    assert folders[0] == folders[2] != folders[1]
    assert folders[0].startswith(str(here / "chosen"))
