"""The plan used by all rules, and the constraints of their wildcards."""

import os
import re
import sys
from functools import cache, partial
from pathlib import Path

from workflow_lib.errors import UserError
from workflow_lib.io.files import require_writable
from workflow_lib.plan import bundles, targets
from workflow_lib.plan.forecast import forecast
from workflow_lib.plan.jobs import makeable
from workflow_lib.plan.load import load_plan, options_of, read_config
from workflow_lib.plan.plan import FAMILIES
from workflow_lib.plan.why import explain, outdated
from workflow_lib.runner import gpus, job, snakemake_process
from workflow_lib.runner.snakemake_words import sort_words

CONFIG_FILES = workflow.configfiles or ["config.yaml"]
CHANGES = workflow.config_settings.config_args

try:
    PLAN = load_plan(read_config(CONFIG_FILES, CHANGES), CONFIG_FILES)
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


@cache
def explained(asked):
    """Jobs that would run for these artifacts, and why."""
    return explain(PLAN, asked)


def bundles_of_run():
    """Shapes of bundles, with their points, for what the command line asks for; on a cluster node, those of the run."""
    if not workflow.is_main_process and (known := snakemake_process.run_content()):
        return {shape: [] for shape in bundles.read(known)}
    words = sort_words(sys.argv[1:]).targets
    names = [word for word in words if word in targets.TARGETS]
    files = makeable(PLAN, [word for word in words if word not in names])
    names = names if (names or files) and "all" not in words else ["all"]
    asked = [path for name in names for path in targets.paths(PLAN, name)] + files
    answer = explained(tuple(asked))
    if workflow.is_main_process:
        expected = forecast(PLAN, answer, options_of(CONFIG_FILES, CHANGES))
        logger.info(
            "Steps were compared with their records.", extra={"forecast": expected}
        )
    return bundles.shapes(PLAN, answer, one_gpu=GPU_PLACES == 1)


SHAPES = bundles_of_run()


def shapes_of(rule):
    """Name, shape and points of each rule that makes the bundles of a kind."""
    found = [(shape, points) for shape, points in SHAPES.items() if shape.rule == rule]
    for number, (shape, points) in enumerate(found, start=1):
        yield f"{rule}_{number}" if number > 1 else rule, shape, points


def kind_of(rule):
    """Name that a rule shares with those that make bundles of the same kind and other shapes."""
    return re.sub(r"_\d+$", "", rule)


@cache
def bundle(shape, point):
    """The jobs of a bundle."""
    return bundles.bundle(PLAN, shape, point)


# Path prefixes used in all rules, such as <results>/datasets/…
workflow.register_pathvars(
    results=PLAN.results,
    logs=PLAN.path("logs"),
    benchmarks=PLAN.path("benchmarks"),
)

if GPU_PLACES is not None and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", GPU_PLACES)


def one_of(names):
    """Regular expression that matches exactly these names; what they begin with is written once, as it is read often."""
    texts = list(map(str, names))
    start = os.path.commonprefix(texts)
    ends = "|".join(re.escape(text.removeprefix(start)) for text in texts)
    return f"{re.escape(start)}(?:{ends})" if texts else "$^"


def per_attempt(amount):
    """Resource that grows with each attempt (twice at the second), so that a job killed for lack of it gets more."""
    return lambda wildcards, attempt: amount * attempt


def asked_for(target):
    """Paths of a target; outdated results are remade according to their records, even if `.snakemake` was lost."""
    paths = targets.paths(PLAN, target)
    workflow.dag.forcefiles.update(outdated(explained(tuple(paths))))
    return paths


@cache
def force_files():
    """Do the same as `asked_for`, once, for results that are requested by their paths, and for rules of the same kind."""
    dag = workflow.dag
    files = makeable(PLAN, list(dag.targetfiles))
    dag.forcefiles.update(outdated(explained(tuple(files))))
    for rules in (dag.forcerules, dag.priorityrules):
        names = {rule.name for rule in rules}
        rules.update(each for each in workflow.rules if kind_of(each.name) in names)
    for names in (dag.untilrules, dag.omitrules):
        names.update(
            {each.name for each in workflow.rules if kind_of(each.name) in names}
        )
    # In a dry run, Snakemake would look through a whole group for each of its inputs.
    if workflow.dryrun:
        for each in workflow.rules:
            each.group = None


def no_more_files(wildcards):
    """Input function of every rule: Snakemake calls it before it decides which jobs to run."""
    force_files()
    return []


command_line = partial(job.command_line, PLAN.results)


# A path that is not in the config fails immediately, because no rule makes it.
wildcard_constraints:
    dataset=one_of(PLAN.config.datasets),
    model=one_of(PLAN.config.models),
