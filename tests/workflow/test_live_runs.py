"""What people see of a run: on a terminal, stopped by Ctrl-C; and in a new folder, outside the project."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from killing import hear_interrupts
from PIL import Image
from project import ROOT

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def read(terminal, until=b"no text ever"):
    """What is printed on a terminal, to the end or until a text appears."""
    seen = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while until not in seen and (more := os.read(terminal, 10_000)):
            seen += more
    return seen


def test_a_run_on_a_terminal_is_drawn_and_stopped(project):
    """In a training that does not end by itself, however slow the machine is."""
    project.edit("config.yaml", "epochs: 4", "epochs: 1000000")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=project.folder,
        env=project.variables | {"COLUMNS": "80", "LINES": "40", "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )
    os.close(theirs)
    limit = threading.Timer(600, os.killpg, (process.pid, signal.SIGKILL))
    limit.daemon = True
    limit.start()
    seen = read(ours, until=b"batches until epoch")  # what the training says itself
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does
    seen = (seen + read(ours)).decode()
    os.close(ours)
    code = process.wait()
    limit.cancel()
    assert code == 1, seen
    assert "now  3 trainings of digits_cnn" in seen
    assert re.search(r"training +[█░]+ +0 of 6", seen)
    assert "nothing of them is lost" in seen.partition("Stopped after")[2]
    assert "Failed" not in seen
    assert "Traceback" not in seen


def latent_atlas(folder, *words):
    command = [sys.executable, "-m", "workflow_lib.cli", *words]
    variables = {name: value for name, value in os.environ.items() if name != "LATENT_ATLAS_CACHE"}
    done = subprocess.run(
        command, cwd=folder, env=variables | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_new_folder_runs_to_its_end(tmp_path):
    latent_atlas(tmp_path, "new", "my study {é}", "--from", "embeddings")
    folder = tmp_path / "my study {é}"
    subprocess.run([sys.executable, "example_data.py"], cwd=folder, check=True)
    said = latent_atlas(folder, "run")
    assert "Tables and figures: results/studies/" in said
    assert (folder / "results" / "studies" / "kstar" / "embeddings" / "violins.svg").is_file()


def test_images_of_a_user_go_through_a_network(tmp_path):
    latent_atlas(tmp_path, "new", "mine")
    folder, random = tmp_path / "mine", np.random.default_rng(0)
    for shade, name in enumerate(("dark", "light")):
        (folder / "data" / "images" / name).mkdir(parents=True)
        for number in range(20):
            image = Image.fromarray(random.integers(100 * shade, 100 * shade + 100, (32, 32), dtype=np.uint8))
            image.save(folder / "data" / "images" / name / f"{number}.png")
    said = latent_atlas(folder, "run", "checkpoints", "--config", "models={network: {seeds: [0]}}")
    assert "training: 2 of 2 done" in said
    assert len(list((folder / "results" / "checkpoints").rglob("*.pt"))) == 2
