"""What people see of a run: on a terminal, stopped by Ctrl-C; and in a new folder, outside the project."""

import os
import pty
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from project import ROOT

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_a_run_on_a_terminal_is_drawn_and_stopped(project):
    project.edit("config.yaml", "lr: 0.01", "lr: 0.02")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=project.folder,
        env=project.variables | {"COLUMNS": "80", "LINES": "40", "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen, end = "", time.monotonic() + 60
    while "now  3 trainings of digits_cnn" not in seen:
        assert time.monotonic() < end, seen
        seen += os.read(ours, 10_000).decode(errors="replace")
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does
    try:
        while more := os.read(ours, 10_000):
            seen += more.decode(errors="replace")
    except OSError:  # the other end is closed
        os.close(ours)
    assert process.wait(60) == 1
    assert "training           ░" in seen
    assert "nothing of them is lost" in seen.rpartition("Stopped after")[2]
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
