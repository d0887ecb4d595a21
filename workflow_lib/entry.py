"""Entry point of the command `latent-atlas`, which needs more packages than the library."""

import importlib.util
import sys

MISSING = """\
The command latent-atlas needs the packages of the workflow, such as Snakemake and PyTorch. They are not installed.
    -> in a clone of the project: pip install '.[workflow]'
Without them, the functions of `latent_atlas` work on your own arrays: import latent_atlas"""


def main() -> None:
    """Run the command, or say what to install."""
    if importlib.util.find_spec("snakemake") is None:
        sys.exit(MISSING)
    from workflow_lib.cli import main as run

    run()
