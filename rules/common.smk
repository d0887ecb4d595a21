"""The plan that all rules ask, and the forms of their wildcards."""

import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import get_args

from workflow_lib.config.kstar import MapMethod, Metric, Split
from workflow_lib.errors import UserError
from workflow_lib.io.files import require_writable
from workflow_lib.plan import targets
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
    # Snakemake would put a traceback around an exception; this prints the message alone, with exit code 1.
    sys.exit(str(error))

# `python` in the rules is the one that runs Snakemake, also where its environment has not been activated.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]),
    # A job publishes nothing when the Snakemake that started it has been killed.
    LATENT_ATLAS_SNAKEMAKE=snakemake_process.identity(),
)
if workflow.is_main_process:
    # On a node of a cluster, another Snakemake starts the job; it belongs to this run all the same.
    os.environ.update(LATENT_ATLAS_RUN=snakemake_process.run_file(Path(PLAN.results)))

# The paths of all rules begin with these: <results>/datasets/…
workflow.register_pathvars(
    results=PLAN.results,
    logs=PLAN.path("logs"),
    benchmarks=PLAN.path("benchmarks"),
)

if GPU_PLACES is not None and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", GPU_PLACES)


def one_of(names):
    """Regular expression of these names and nothing else."""
    return "|".join(map(re.escape, map(str, names))) or "$^"


def of_all_models(key):
    """Regular expression of the values that any model has, such as its seeds."""
    models = PLAN.config.models.values()
    return one_of(sorted({value for model in models for value in getattr(model, key)}))


def per_attempt(amount):
    """As much at the first attempt, twice as much at the second: a job that was killed for want of it gets more."""
    return lambda wildcards, attempt: amount * attempt


def asked_for(target):
    """Paths of a target; what their records say is outdated is made again, also where `.snakemake` was lost."""
    paths = targets.default(PLAN) if target == "all" else targets.paths(PLAN, target)
    workflow.dag.forcefiles.update(outdated(PLAN, paths))
    return paths


command_line = partial(job.command_line, PLAN.results)


# A path that the config does not name is told at once, as one that no rule makes.
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
