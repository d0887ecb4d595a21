"""Snakemake's jobs are those of the plan: the same rules, inputs, outputs and settings, for every shipped config."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from workflow_lib.config import extras
from workflow_lib.plan import bundles, targets
from workflow_lib.plan.jobs import upstream
from workflow_lib.plan.load import load_plan, read_config
from workflow_lib.plan.plan import FAMILIES
from workflow_lib.plan.why import Answer

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [
    ROOT / "config.yaml",
    *sorted(p for p in (ROOT / "configs").glob("**/*.yaml") if p.parent.name != "kstar-paper"),
]
"""All configs of the project, but those of the k* paper's tables, which `test_kstar_paper` brings data for."""

EXTRAS = {"sound-digits": ["sound"], "text-clinc150": ["text"], "modalities": ["sound", "text"]}
"""Extras that a config needs."""

NETWORK = {"architecture": "small_cnn", "layers": {"logits": "logits"}}
HALFWAY = {"model": "digits_cnn", "seed": 1, "interval": 50}
STAGES = {"intervals": [30, 100], "intervals_of": "data"}
EVERYTHING = {
    "datasets": {
        "noisy": {"source": "digits", "classes": ["0", "1", "2", "3"], "subsample": {"train": 20, "test": 12}},
        "both": {"source": "union", "of": ["digits", "noisy"]},
        "turned": {"source": "transformed", "of": "digits", "transform": "turned"},
    },
    "models": {
        "digits_cnn": {"examine": ["noisy", "both", "turned"]},
        "further": {**NETWORK, "dataset": "both", "training": {"epochs": 1}, "weights": HALFWAY, **STAGES},
        "ready": {**NETWORK, "dataset": "noisy", "weights": {"model": "further"}, "examine": ["digits"]},
    },
    "transforms": {"turned": {"kind": "rotation", "degrees": 30}, "attacked": {"kind": "pgd", "epsilon": "8/255"}},
    "kstar": {"studies": {"elsewhere": {"model": "all", "dataset": "all"}}},
    "prototypes": {
        "studies": {
            "sure": {"model": "digits_cnn", "start": "warm", "layer": ["head_input", "early"], "initialisations": 2}
        }
    },
    "confusion": {"studies": {"mixed": {"model": "further", "seeds": [0, 1, 2], "pairs": [["0", "1"]]}}},
    "relations": {"studies": {"alike": {"kstar": "training", "prototypes": "sure", "confusion": "mixed"}}},
    "results": "results/elsewhere",
}
"""Sections that let the miniature have a job of nearly every verb, below another folder."""

LIST_JOBS = """
import json, os, sys
from snakemake.cli import main
from snakemake.dag import DAG

def listed(dag):
    rows = [
        [
            job.rule.name,
            sorted(map(str, job.input)),
            sorted(map(str, job.output)),
            job.params.get("spec") or list(job.params.calls),
            sorted(map(str, job.log)),
        ]
        for job in dag.jobs
        if job.output
    ]
    print("JOBS" + json.dumps(rows))

printed = DAG.postprocess
async def postprocess(self, *args, **kwargs):
    await printed(self, *args, **kwargs)
    if not getattr(self, "told", False) and len(list(self.jobs)) > 1:
        self.told = True
        listed(self)
DAG.postprocess = postprocess
shared, calls = json.loads(sys.argv[1])
for files in calls:
    if os.fork() == 0:  # as a new process, but with Snakemake loaded, which takes longer than to plan
        main([*shared, *files])
    os.wait()
"""


def of_snakemake(folder, *calls):
    """For each call, a list of config files, the jobs that Snakemake would run.

    By the outputs of each: its rule, inputs, settings (of a bundle: its calls) and logs.
    """
    shared = ["--snakefile", str(ROOT / "Snakefile"), "--dry-run", "all", "arrays", "--configfile"]
    command = [sys.executable, "-c", LIST_JOBS, json.dumps([shared, [list(map(str, files)) for files in calls]])]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("JOBS")]
    assert len(lines) == len(calls), done.stdout[-2000:] + done.stderr[-2000:]
    return [
        {tuple(outputs): (rule, inputs, *more) for rule, inputs, outputs, *more in json.loads(line[4:])}
        for line in lines
    ]


def asked(plan):
    """What `all` and `arrays` ask for."""
    return [*targets.default(plan), *targets.paths(plan, "arrays")]


def of_plan(plan):
    """The same of every bundle of the plan, and of every job on its own; where nothing is there, all of it is due."""
    jobs = upstream(plan, asked(plan))
    due, found = {job.name for job in jobs}, {}
    for shape, points in bundles.shapes(plan, Answer(jobs, {name: ["why"] for name in due}, (), ())).items():
        for point in points:
            bundle = bundles.bundle(plan, shape, point)
            if bundle.jobs[0].name not in due:
                continue
            logs = sorted(plan.path(f"logs/{job.name}.log") for job in bundle.jobs)
            found[tuple(sorted(bundle.makes))] = (shape.rule, sorted(bundle.needs), bundle.words(), logs)
    for job in jobs:
        if not job.bundle:
            log = [plan.path(f"logs/{job.name}.log")]
            found[tuple(sorted(job.makes))] = (job.verb, sorted(job.needs), job.spec(), log)
    return found


def differences(plan, snakemake):
    """Outputs of jobs that are not the same for both; where bundles have several shapes, rules have longer names."""
    ours = of_plan(plan)
    found = [f"only one has {outputs[0]}" for outputs in ours.keys() ^ snakemake.keys()]
    for outputs in ours.keys() & snakemake.keys():
        (rule, *rest), (theirs, *others) = ours[outputs], snakemake[outputs]
        if not theirs.startswith(rule) or rest != others:
            found.append(f"{outputs[0]}: {rule} {rest} is not {theirs} {others}")
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The plan of the miniature with all kinds of study, and Snakemake's jobs of it."""
    folder = tmp_path_factory.mktemp("both")
    files = [ROOT / "configs" / "miniature.yaml", folder / "everything.json"]
    files[1].write_text(json.dumps(EVERYTHING))
    return load_plan(read_config(files), files), *of_snakemake(folder, files)


def test_every_kind_of_study_has_the_same_jobs_in_snakemake_and_in_the_plan(both):
    plan, snakemake = both
    assert differences(plan, snakemake) == []
    verbs = Counter(job.verb for job in upstream(plan, asked(plan)))
    assert {output.verb for family in FAMILIES for output in family.all_outputs} <= set(verbs)
    assert all(outputs[0].startswith("results/elsewhere/") for outputs in snakemake)


def test_an_input_that_only_one_of_them_has_is_found(both):
    plan, snakemake = both
    for outputs, (rule, inputs, *more) in snakemake.items():
        if inputs:
            wrong = snakemake | {outputs: (rule, [*inputs[1:], "results/elsewhere/another"], *more)}
            assert len(differences(plan, wrong)) == 1


def test_shipped_configs_have_the_same_jobs_in_snakemake_and_in_the_plan(tmp_path, monkeypatch):
    configs = [file for file in SHIPPED if all(map(extras.is_installed, EXTRAS.get(file.stem, ())))]
    assert len(configs) > 10
    monkeypatch.chdir(tmp_path)
    for name in ("styles/a.png", "embeddings.npz", "fsdd/clips.csv", "clinc150.json", "minilm/config.json"):
        file = tmp_path / "data" / name  # what configs name; planning reads only digests
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for config, snakemake in zip(configs, of_snakemake(tmp_path, *([file] for file in configs)), strict=True):
        assert (config.stem, differences(load_plan(read_config([config]), [config]), snakemake)) == (config.stem, [])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.family)
def test_no_two_outputs_of_a_family_share_a_file_or_a_verb(family):
    files = Counter(file for output in family.all_outputs for file in output.files.values())
    assert max(files.values()) == 1
    assert len({output.verb for output in family.all_outputs}) == len(family.all_outputs)
    assert all((ROOT / "docs" / "captions" / f"{o.name}.rst").is_file() for o in family.all_outputs if o.reported)


def test_approximate_kstar_replaces_the_exact_one_in_both(tmp_path):
    file = tmp_path / "config.json"
    raw = read_config([ROOT / "configs" / "miniature.yaml"])
    file.write_text(json.dumps(raw | {"kstar": raw["kstar"] | {"approximate": {"neighbours": 20}}}))
    plan, [snakemake] = load_plan(read_config([file]), [file]), of_snakemake(tmp_path, [file])
    assert differences(plan, snakemake) == []
    rules = {rule for rule, *_ in snakemake.values()}
    assert "approximate_kstar" in rules
    assert "compute_kstar" not in rules
