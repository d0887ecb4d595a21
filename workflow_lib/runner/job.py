"""Calls of steps, as Snakemake rules put them on the command line."""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from workflow_lib.cache.store import action_key
from workflow_lib.code.libraries import installed_version
from workflow_lib.code.signature import PathArgument, Role, Signature, signature
from workflow_lib.io.braces import expand
from workflow_lib.runner import gpus
from workflow_lib.runner.units import Unit, join, split

GPU = Path("/dev/nvidiactl")
"""Exists if a GPU driver is loaded."""
BESIDE = "+"
"""Word between the calls of a bundle."""
PORTION = 50
"""Number of outputs after which joined jobs begin anew, so that what was made before is safely in place."""
STEPS = Path(__file__).resolve().parents[1] / "steps"


class Job(NamedTuple):
    """A step to run, with its files and settings.

    Attributes:
        verb: name of the step.
        signature: the arguments of the step.
        paths: paths of each path argument; empty if an optional one is omitted.
        spec: canonical JSON of the settings that shape the outputs.
        code: fingerprint of the step's code when the job was planned.
        device: "cpu" or "cuda"; always "cpu" for a step without a context.
        results: folder of all results of the config.
        threads: number of CPU threads.
        log: file for all messages, or None for the terminal.
        other_logs: those of the jobs that are done as one with it; they name `log`.
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
    other_logs: tuple[Path, ...] = ()

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
        """The outputs, in groups that are cached and restored together."""
        return split(json.loads(self.spec), self.files("output"))

    def key(self, unit: Unit, inputs: Mapping[str, str]) -> str:
        """Cache key of a unit: depends on everything that shapes its outputs, and on nothing else.

        Args:
            unit: a unit of this job.
            inputs: digest of each input, by role.
        """
        return action_key(
            verb=self.verb,
            spec=unit.spec,
            code=self.code,
            inputs=dict(inputs),
            outputs=sorted(unit.outputs),
            device=self.device if self.signature.context else "any",
        )


def joined(jobs: Iterable[Job]) -> list[Job]:
    """Jobs in their order; those that differ only in the entries of `each` become one, whose step makes all outputs.

    Once such a job has `PORTION` outputs, another begins.
    """
    alike: dict[str, list[list[Job]]] = {}
    for job in jobs:
        portions = alike.setdefault(_common(job), [[]])
        if sum(len(other.units) for other in portions[-1]) >= PORTION:
            portions.append([])
        portions[-1].append(job)
    return [_as_one(*portion) for portions in alike.values() for portion in portions]


def _common(job: Job) -> str:
    """What jobs share that can be one; for a job without `each`, what no other has."""
    spec = json.loads(job.spec)
    entries = spec.pop(spec.get("each"), None)
    names = [argument.name for argument in job.signature.paths if entries is None or argument.role != "output"]
    return json.dumps([job.verb, spec, {name: list(map(str, job.paths[name])) for name in names}])


def _as_one(first: Job, *others: Job) -> Job:
    if not others:
        return first
    jobs = (first, *others)
    spec = join(json.loads(first.spec), [unit for job in jobs for unit in job.units])
    outputs = {
        argument.name: [path for job in jobs for path in job.paths[argument.name]]
        for argument in first.signature.paths
        if argument.role == "output"
    }
    logs = tuple(job.log for job in others if job.log)
    return first._replace(spec=json.dumps(spec), paths={**first.paths, **outputs}, other_logs=logs)


def command_line(results: str, verb: str) -> str:
    """Shell command of a rule: each argument of the step is a flag, with the input or output of the same name.

    Args:
        results: folder of all results.
        verb: name of the step.
    """
    step = signature(verb)
    paths = [f"{flag(arg.name)} {{{'output' if arg.role == 'output' else 'input'}.{arg.name}}}" for arg in step.paths]
    device = ["--device {resources.device}"] if step.context else []
    settings = f"--spec {{params.spec:q}} --code {{params.code}} --results {results} --threads {{threads}}"
    return " ".join(["python -m workflow_lib", verb.replace("_", "-"), *paths, settings, *device, "--log {log}"])


def parse_all(arguments: Sequence[str], memory: Path | None = None) -> list[Job]:
    """Parse one call as `parse` does, or `--option … + CALL + CALL …`: several calls, and the options of all."""
    if BESIDE not in arguments:
        return [parse(arguments, memory)]
    parts: list[list[str]] = [[]]
    for word in arguments:
        parts.append([]) if word == BESIDE else parts[-1].append(word)
    shared, *calls = parts
    return [parse([*call, *shared], memory) for call in calls]


def parse(arguments: Sequence[str], memory: Path | None = None) -> Job:
    """Parse `VERB --flag path … --spec JSON --code FINGERPRINT …`; a wrong flag prints the usage and exits.

    Args:
        arguments: from the command line.
        memory: folder in which the analysis of source files is cached.
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
        device=_device(options.device) if step.context else "cpu",
        results=options.results,
        threads=options.threads,
        log=options.log,
    )


def _verb(arguments: Sequence[str]) -> str:
    """Name of the requested step; an unknown name prints all names and exits."""
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
    command.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where a step computes")
    return command


def flag(argument: str) -> str:
    """Command-line flag of an argument of a step."""
    return f"--{argument.replace('_', '-')}"


def _add_flag(command: argparse.ArgumentParser, argument: PathArgument) -> None:
    nargs = "*" if argument.optional else "+" if argument.many else 1
    command.add_argument(
        flag(argument.name), nargs=nargs, required=not argument.optional, default=[], help=argument.role
    )


def _paths(patterns: list[str]) -> list[Path]:
    return [Path(text) for pattern in patterns for text in expand(pattern)]


def _device(wish: str) -> str:
    """Device class of a job; "auto" is "cuda" if torch can use a GPU here, which is found without importing torch."""
    if wish != "auto":
        return wish
    return "cuda" if GPU.exists() and not gpus.hidden() and _torch_knows_gpus() else "cpu"


def _torch_knows_gpus() -> bool:
    """Whether torch is installed and its version does not mark a CPU build."""
    version = installed_version("torch")
    return version != "" and "+cpu" not in version
