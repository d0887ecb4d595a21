"""A source runs as it is now, whatever byte code or machine code lies beside it."""

import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import workflow_lib

PROGRAMS = {
    "workflow_lib/extra.py": "from workflow_lib.extra import which; print(which())",
    "mine.py": "from workflow_lib.user_code import call; print(call('mine:which', {}, 'key'))",
}
SOURCE = "WHICH = 'one'\n\n\ndef which():\n    return WHICH\n"
STAMP = (1_700_000_000, 1_700_000_000)


@pytest.fixture
def run(tmp_path):
    """Run a program in a copy of the package; Python keeps byte code there."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(workflow_lib.__file__).parent, tmp_path / "workflow_lib", ignore=ignored)
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)

    def run(program):
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


def write(file, text):
    file.write_text(text)
    os.utime(file, STAMP)


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_edit_with_the_same_size_and_time_stamp_runs(run, tmp_path, name):
    write(tmp_path / name, SOURCE)
    assert run(PROGRAMS[name]) == "one"
    (compiled,) = (tmp_path / name).parent.glob(f"__pycache__/{Path(name).stem}.*.pyc")
    written = compiled.stat().st_mtime_ns
    assert run(PROGRAMS[name]) == "one"
    assert compiled.stat().st_mtime_ns == written  # byte code is used as long as it fits
    write(tmp_path / name, SOURCE.replace("one", "two"))
    assert run(PROGRAMS[name]) == "two"


@pytest.mark.parametrize("mode", py_compile.PycInvalidationMode)
def test_byte_code_of_another_source_does_not_run(run, tmp_path, mode):
    """Also byte code that asks not to be compared."""
    write(tmp_path / "mine.py", SOURCE)
    py_compile.compile(tmp_path / "mine.py", invalidation_mode=mode)
    write(tmp_path / "mine.py", SOURCE.replace("one", "two"))
    assert run(PROGRAMS["mine.py"]) == "two"


def test_byte_code_of_libraries_is_left_as_it_is(run):
    loaders = (
        "import json, numpy, workflow_lib.errors as ours, workflow_lib.user_code as user; user._compare_own_code()\n"
    )
    loaders += "import wave, pyarrow\nfor m in (json, numpy, wave, pyarrow, ours): print(type(m.__loader__).__name__)"
    assert run(loaders).split() == ["SourceFileLoader"] * 4 + ["ContentLoader"]


COMPILES = """
from workflow_lib.kstar.compiled import compiled
from workflow_lib.kstar.extra import WHICH
@compiled()
def add(x):
    return x + WHICH
print(add(1), add.stats.cache_hits and "kept")
"""


def test_machine_code_of_other_constants_does_not_run(run, tmp_path):
    constants = tmp_path / "workflow_lib" / "kstar" / "extra.py"
    (tmp_path / "program.py").write_text(COMPILES)
    found = []
    for value in (1, 1, 2):
        write(constants, f"WHICH = {value}\n")
        found.append(run("import program"))
    assert found[0].split()[0] == "2"
    assert found[1] == "2 kept"
    assert found[2].split()[0] == "3"
