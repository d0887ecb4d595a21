"""One call of a step, as Snakemake's rules write it on the command line."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from workflow_lib.cache.store import action_key
from workflow_lib.code.libraries import installed_version
from workflow_lib.code.signature import PathArgument, Role, Signature, signature
from workflow_lib.io.braces import expand
from workflow_lib.runner import gpus
from workflow_lib.runner.units import Unit, split

GPU = Path("/dev/nvidiactl")
"""There where a driver for GPUs is loaded."""
STEPS = Path(__file__).resolve().parents[1] / "steps"


class Job(NamedTuple):
    """What to run, on which files, with which settings.

    Attributes:
        verb: name of the step.
        signature: the arguments of the step.
        paths: for each path argument, its paths; empty when an optional one is left out.
        spec: canonical JSON of the settings that shape the outputs.
        code: fingerprint of the step's code that the plan was made with.
        device: "cpu" or "cuda".
        results: folder of all results of the config.
        threads: number of CPU threads.
        log: file that takes all messages, or None for the terminal.
    """

    verb: str
    signature: Signature
    paths: dict[str, list[Path]]
    spec: str
    code: str
    device: str
    results: Path
    threads: int = 1
    log: Path | None = None

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


def command_line(results: str, verb: str) -> str:
    """What a rule says to the shell: each argument of the step as a flag, with the input or output of the same name.

    Args:
        results: folder of all results.
        verb: name of the step.
    """
    step = signature(verb)
    paths = [f"{_flag(arg)} {{{'output' if arg.role == 'output' else 'input'}.{arg.name}}}" for arg in step.paths]
    device = ["--device {resources.device}"] if step.context else []
    settings = f"--spec {{params.spec:q}} --code {{params.code}} --results {results} --threads {{threads}}"
    return " ".join(["python -m workflow_lib", verb.replace("_", "-"), *paths, settings, *device, "--log {log}"])


def parse(arguments: Sequence[str], memory: Path | None = None) -> Job:
    """Read `VERB --flag path … --spec JSON --code FINGERPRINT …`; a wrong flag ends the program with its usage.

    Args:
        arguments: from the command line.
        memory: folder that remembers what was found in sources.
    """
    verb = _verb(arguments)
    step = signature(verb, memory)
    parser = _parser(f"python -m workflow_lib {arguments[0]}", step)
    options = parser.parse_args(arguments[1:])
    return Job(
        verb=verb,
        signature=step,
        paths={argument.name: _paths(getattr(options, argument.name)) for argument in step.paths},
        spec=options.spec,
        code=options.code,
        device=_device(options.device),
        results=options.results,
        threads=options.threads,
        log=options.log,
    )


def _verb(arguments: Sequence[str]) -> str:
    """Name of the step that is asked for; when there is none of this name, the program ends with all names."""
    verbs = {module.stem.replace("_", "-"): module.stem for module in STEPS.glob("[a-z]*_*.py")}
    if not arguments or arguments[0] not in verbs:
        parser = argparse.ArgumentParser(prog="python -m workflow_lib", description="Run one step of Latent Atlas.")
        parser.add_argument("verb", choices=sorted(verbs))
        parser.parse_args(arguments[:1])
    return verbs[arguments[0]]


def _parser(program: str, step: Signature) -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(prog=program)
    for argument in step.paths:
        _add_flag(command, argument)
    command.add_argument("--spec", required=True, help="settings that shape the outputs, one JSON object")
    command.add_argument("--code", required=True, help="fingerprint of the step's code")
    command.add_argument("--results", type=Path, default=Path("results"), help="folder of all results")
    command.add_argument("--log", type=Path, help="file that takes all messages")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    return command


def _flag(argument: PathArgument) -> str:
    return f"--{argument.name.replace('_', '-')}"


def _add_flag(command: argparse.ArgumentParser, argument: PathArgument) -> None:
    nargs = "+" if argument.many else "*" if argument.optional else 1
    command.add_argument(_flag(argument), nargs=nargs, required=not argument.optional, default=[], help=argument.role)


def _paths(patterns: list[str]) -> list[Path]:
    return [Path(text) for pattern in patterns for text in expand(pattern)]


def _device(wish: str) -> str:
    """The device class of a job; "auto" takes a GPU that torch was built for, without paying for `import torch`."""
    if wish != "auto":
        return wish
    return "cuda" if GPU.exists() and not gpus.hidden() and _torch_knows_gpus() else "cpu"


def _torch_knows_gpus() -> bool:
    """Whether torch is installed and not a CPU build, which names itself in its version."""
    version = installed_version("torch")
    return version != "" and "+cpu" not in version
