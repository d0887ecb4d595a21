"""The plan that all rules ask, and the forms of their wildcards."""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from workflow_lib.errors import UserError
from workflow_lib.plan import targets
from workflow_lib.plan.load import load_plan

# `python` in the rules is the one that runs Snakemake, also where its environment has not been activated.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

try:
    PLAN = load_plan(config, workflow.configfiles)
except UserError as error:
    raise WorkflowError(error) from None


wildcard_constraints:
    dataset=r"[a-z]\w*",
    model=r"[a-z]\w*",
    seed=r"\d+",
    interval=r"\d+",
    split="train|test",
    transform="|".join(["original", *PLAN.config.transforms]),
    source=r"[\w/-]+",
    metric="[a-z]+",
    method="[a-z]+",
    study=r"[a-z]\w*",
