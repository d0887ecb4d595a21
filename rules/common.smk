"""The plan used by all rules, and the constraints of their wildcards."""

import os
import re
import sys
from functools import cache, partial
from pathlib import Path
from typing import get_args

from workflow_lib.config.kstar import MapMethod, Metric, Split
from workflow_lib.errors import UserError
from workflow_lib.io.files import require_writable
from workflow_lib.plan import targets
from workflow_lib.plan.jobs import is_made
from workflow_lib.plan.load import load_plan, read_config
from workflow_lib.plan.plan import FAMILIES
from workflow_lib.plan.why import outdated
from workflow_lib.runner import gpus, job, snakemake_process

CONFIG_FILES = workflow.configfiles or ["config.yaml"]

try:
    PLAN = load_plan(
        read_config(CONFIG_FILES, workflow.config_settings.config_args), CONFIG_FILES
    )
    GPU_PLACES = gpus.places()
except UserError as error:
    # Prints only the message and exits with code 1; an exception would add Snakemake's traceback.
    sys.exit(str(error))

# `python` in the rules is the interpreter that runs Snakemake, even if its environment is not activated.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]),
    # A job publishes nothing if the Snakemake that started it was killed.
    LATENT_ATLAS_SNAKEMAKE=snakemake_process.identity(),
)
if workflow.is_main_process:
    # On a cluster node another Snakemake starts the job, but the job still belongs to this run.
    os.environ.update(LATENT_ATLAS_RUN=snakemake_process.run_file(Path(PLAN.results)))

# Path prefixes used in all rules, such as <results>/datasets/…
workflow.register_pathvars(
    results=PLAN.results,
    logs=PLAN.path("logs"),
    benchmarks=PLAN.path("benchmarks"),
)

if GPU_PLACES is not None and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", GPU_PLACES)


def one_of(names):
    """Regular expression that matches exactly these names."""
    return "|".join(map(re.escape, map(str, names))) or "$^"


def of_all_models(key):
    """Regular expression that matches the values of all models for a key, such as seeds."""
    models = PLAN.config.models.values()
    return one_of(sorted({value for model in models for value in getattr(model, key)}))


def per_attempt(amount):
    """Resource that grows with each attempt (twice at the second), so that a job killed for lack of it gets more."""
    return lambda wildcards, attempt: amount * attempt


def asked_for(target):
    """Paths of a target; outdated results are remade according to their records, even if `.snakemake` was lost."""
    paths = targets.default(PLAN) if target == "all" else targets.paths(PLAN, target)
    workflow.dag.forcefiles.update(outdated(PLAN, paths))
    return paths


@cache
def force_files():
    """Do the same as `asked_for`, once, for results that are requested by their paths."""
    files = [file for file in workflow.dag.targetfiles if is_made(PLAN, file)]
    workflow.dag.forcefiles.update(outdated(PLAN, files))


def no_more_files(wildcards):
    """Input function of every rule: Snakemake calls it before it decides which jobs to run."""
    force_files()
    return []


command_line = partial(job.command_line, PLAN.results)


# A path that is not in the config fails immediately, because no rule makes it.
wildcard_constraints:
    dataset=one_of(PLAN.config.datasets),
    model=one_of(PLAN.config.models),
    seed=of_all_models("seeds"),
    interval=of_all_models("intervals"),
    split=one_of(get_args(Split)),
    transform=one_of(["original", *PLAN.config.transforms]),
    source=r"[\w/-]+",
    metric=one_of(get_args(Metric)),
    method=one_of(get_args(MapMethod)),
    initialisation=r"\d+",
