"""The tutorial and the recipes, followed to the letter in a copy of the miniature: commands, files, code."""

import contextlib
import io
import re
import shlex
from collections.abc import Mapping

import pandas as pd
import pytest
import yaml
from project import ROOT

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

BLOCK = re.compile(r"^```(sh|python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.(?:py|yaml))\n")
ELSEWHERE = ("git clone", "make ", "source ")
"""Commands that the miniature replaces."""
PROGRAMS = {"python": [], "snakemake": ["-m", "snakemake"], "latent-atlas": ["-m", "workflow_lib.cli"]}


def follow(project, page):
    """Do what a page says, from top to bottom; returns what each command and each piece of code printed.

    To save time, one seed of each network is trained, and a run that comes again later, with more in its config, is
    only planned.
    """
    printed, names = [], {}
    blocks = BLOCK.findall((ROOT / "docs" / page).read_text("utf-8").replace("count: 3", "count: 1"))
    later = [line for language, text in blocks if language == "sh" for line in text.splitlines()]
    for language, text in blocks:
        file = FILE.match(text)
        if language == "sh":
            for command in text.splitlines():
                later.remove(command)
                if not command.startswith(ELSEWHERE):
                    printed.append(run(project, command.replace(" run ", " why ") if command in later else command))
        elif language == "yaml":
            path = project.folder / file[1]
            known = yaml.safe_load(path.read_text()) if path.exists() else {}
            path.write_text(yaml.safe_dump(merged(known, yaml.safe_load(text)), sort_keys=False))
        elif file:
            (project.folder / file[1]).write_text(text)
        else:
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(text, names)
            printed.append(output.getvalue())
    return printed


def run(project, command):
    """Run a command of a page; returns its output."""
    program, *arguments = shlex.split(command)
    done = project.python(*PROGRAMS[program], *arguments)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def merged(one, other):
    """Two configs as one: the keys of the second are added to the sections of the first."""
    both = {key: merged(one[key], other[key]) for key in one.keys() & other if isinstance(one[key], Mapping)}
    return {**one, **other, **both}


def test_tutorial_and_recipes(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    patterns, why, snakemake, *_, compared = follow(project, "tutorial.md")
    assert "Clustered" in patterns
    assert "extract_features" in why
    assert "train_interval" not in why + snakemake
    assert "difference" in compared
    assert (project.folder / "results/mine/studies/kstar/networks/violins.png").exists()
    topics = pd.read_csv("results/mine/studies/kstar/topics/classes.csv").set_index("class_name")
    assert topics.pattern.to_dict() == {"sport": "Clustered", "music": "Fractured", "news": "Fractured"}
    _, neighbours, _, curves, effects, fractured, _ = follow(project, "recipes.md")
    assert "neighbours" in neighbours
    assert "interval" in curves
    assert "p_adjusted" in effects
    assert "made_of" in fractured
    assert (project.folder / "suspects.png").exists()
