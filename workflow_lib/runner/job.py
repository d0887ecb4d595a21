"""One call of a step, as Snakemake's rules write it on the command line."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_lib.runner import gpus
from workflow_lib.runner.braces import expand
from workflow_lib.runner.cache import action_key
from workflow_lib.runner.signature import PathArgument, Role, Signature, signature
from workflow_lib.runner.units import Unit, split

GPU = Path("/dev/nvidiactl")
"""There where a driver for GPUs is loaded."""
STEPS = Path(__file__).resolve().parents[1] / "steps"


@dataclass(frozen=True)
class Job:
    """What to run, on which files, with which settings.

    Attributes:
        verb: name of the step.
        signature: the arguments of the step.
        paths: for each path argument, its paths; empty when an optional one is left out.
        spec: canonical JSON of the settings that shape the outputs.
        code: fingerprint of the step's code that the plan was made with.
        device: "cpu" or "cuda".
        threads: number of CPU threads.
        log: file that takes all messages, or None for the terminal.
    """

    verb: str
    signature: Signature
    paths: dict[str, list[Path]]
    spec: str
    code: str
    device: str
    threads: int
    log: Path | None

    def files(self, role: Role) -> dict[str, Path]:
        """Paths of one role, named `argument/0`, `argument/1`, …"""
        return {
            f"{argument.name}/{i}": path
            for argument in self.signature.paths
            if argument.role == role
            for i, path in enumerate(self.paths[argument.name])
        }

    @property
    def units(self) -> list[Unit]:
        """The outputs, by what is kept and restored together."""
        return split(json.loads(self.spec), self.files("output"))

    def key(self, unit: Unit, inputs: Mapping[str, str]) -> str:
        """Key of the action cache: everything that shapes the outputs of a unit, and nothing else.

        Args:
            unit: one of this job's.
            inputs: digest of each input by its role.
        """
        return action_key(
            verb=self.verb,
            spec=unit.spec,
            code=self.code,
            inputs=dict(inputs),
            outputs=sorted(unit.outputs),
            device=self.device if self.signature.context else "any",
        )


def parse(arguments: Sequence[str]) -> Job:
    """Read `VERB --flag path … --spec JSON --code FINGERPRINT …`; a wrong flag ends the program with its usage."""
    verbs = sorted(module.stem for module in STEPS.glob("*_*.py") if not module.stem.startswith("_"))
    parser = argparse.ArgumentParser(prog="python -m workflow_lib", description="Run one step of Latent Atlas.")
    commands = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    asked = arguments[0].replace("-", "_") if arguments else ""
    for verb in [asked] if asked in verbs else verbs:
        _add_command(commands.add_parser(verb.replace("_", "-")), verb)
    options = parser.parse_args(arguments)
    step = signature(asked)
    return Job(
        verb=asked,
        signature=step,
        paths={argument.name: _paths(getattr(options, argument.name)) for argument in step.paths},
        spec=options.spec,
        code=options.code,
        device=_device(options.device),
        threads=options.threads,
        log=options.log,
    )


def _add_command(command: argparse.ArgumentParser, verb: str) -> None:
    for argument in signature(verb).paths:
        _add_flag(command, argument)
    command.add_argument("--spec", required=True, help="settings that shape the outputs, one JSON object")
    command.add_argument("--code", required=True, help="fingerprint of the step's code")
    command.add_argument("--log", type=Path, help="file that takes all messages")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def _add_flag(command: argparse.ArgumentParser, argument: PathArgument) -> None:
    flag = f"--{argument.name.replace('_', '-')}"
    nargs = "+" if argument.many else "*" if argument.optional else 1
    command.add_argument(flag, nargs=nargs, required=not argument.optional, default=[], help=argument.role)


def _paths(patterns: list[str]) -> list[Path]:
    return [Path(text) for pattern in patterns for text in expand(pattern)]


def _device(wish: str) -> str:
    """The device class of a job; "auto" takes a GPU that torch was built for, without paying for `import torch`."""
    if wish != "auto":
        return wish
    return "cuda" if GPU.exists() and not gpus.hidden() and _torch_knows_gpus() else "cpu"


def _torch_knows_gpus() -> bool:
    """Whether the installed torch is not a CPU build, which names itself in its version."""
    from importlib import metadata

    try:
        return "+cpu" not in metadata.version("torch")
    except metadata.PackageNotFoundError:
        return False
