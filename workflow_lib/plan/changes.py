"""Differences between the record of a job's outputs and the plan: settings, code, libraries and inputs.

Settings are reported by their keys in the config.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workflow_lib.cache.digests import content_digest
from workflow_lib.code.fingerprint import library_versions, module_digests
from workflow_lib.code.signature import step_module
from workflow_lib.config.config import Config
from workflow_lib.config.relations import CHOICES
from workflow_lib.errors import yaml_text
from workflow_lib.intervals import INTERVALS_OF
from workflow_lib.names import ORIGINAL
from workflow_lib.plan.jobs import PlannedJob
from workflow_lib.runner.job import Job
from workflow_lib.runner.units import Unit

ABSENT = object()
SHORT_LIST = 12
"""Longest list that is shown in full, before and after the change."""
KSTAR_KEYS = {"k": "neighbours", "seed": "maps.seed", "samples": "maps.samples"}
"""Config keys of settings that have another name in the section `kstar`."""
OF_NETWORK = ("architecture", "options", "normalize", "predictions", "training", "weights")
"""Settings of a job that belong to the section of its model."""
DATASETS = ("prepare_dataset", "unite_datasets", "transform_dataset", "encode_texts", "import_features")
"""Verbs whose settings are the section of a dataset."""
OF_INTERVAL = ("stop_epoch", "percent")
"""Settings of a training that follow from others and the interval."""
PREFIXES = {"descent": 1, "set": 1, "runs": 2}
"""Number of words before a setting that are not in the config, by the first of them."""
LISTS = {"seed": "seeds", "interval": "intervals", "layer": "layers"}
"""Key of a model that lists all values of a dimension."""


def changed_settings(config: Config, job: PlannedJob, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """List the settings that differ, one line each, such as `models.net.training.lr: 0.01 -> 0.02`.

    Args:
        config: config of the plan.
        job: the job with these settings.
        before: spec in the record of the outputs.
        now: spec in the plan.
    """
    lines: dict[str, str] = {}
    contents: list[str] = []
    for path, old, new in differences(before, now):
        key = config_key(job, path)
        if path == ("set", INTERVALS_OF):
            continue  # follows from the network of the set
        if path[0] == "strengths" and (path[1:] == (ORIGINAL,) or (path[1:] and ABSENT in (old, new))):
            continue  # follows from the transforms of the study
        if path[0] in ("scale", "scales") and (path[1:] or ABSENT not in (old, new)):
            continue  # so do these
        if path[0] == "grids" and ABSENT not in (old, new):
            lines |= _changed_points(config, job, old, new)
        elif path[0] == "outside":
            contents.append(_data_key(config, job, path[-1]))
        elif key.startswith("kstar.") and ABSENT in (old, new):
            # These settings are always in the spec, so a new or missing one is a change of the code, not of the config.
            lines[f"code: setting {path[0]}"] = "no longer passed" if new is ABSENT else "passed now"
        else:
            lines[key] = _change(old, new)
    for key in contents:
        if not any(line.startswith(key) for line in lines):  # with another path comes another content
            lines[key] = "the content has changed"
    if len(lines) > 1:
        lines = {key: change for key, change in lines.items() if key not in OF_INTERVAL}
    return [f"{key}: {change}" for key, change in lines.items()]


def differences(before: Any, now: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Path, old and new value of every leaf that differs between two nested mappings; lists are leaves."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in [*now, *(key for key in before if key not in now)]:
            yield from differences(before.get(key, ABSENT), now.get(key, ABSENT), (*path, str(key)))
    elif before != now:
        yield path, before, now


def config_key(job: PlannedJob, path: tuple[str, ...]) -> str:
    """Config key of a setting in the spec of a job."""
    if job.family not in ("", "kstar"):
        return _study_key(job, path)
    inner = ".".join(path)
    if path[0] == "transform":
        return ".".join(["transforms", job.wildcards["transform"], *path[1:]])
    if job.verb in DATASETS:
        return f"datasets.{job.subject}.{inner}"
    if path[0] in OF_INTERVAL:
        return inner
    if path[0] == "strengths" and path[1:]:
        return f"transforms.{path[1]}"
    if job.verb in ("check_network", "train_interval", "import_weights", "extract_features"):
        return f"models.{job.subject}.{inner}"
    if path[0] in ("title", "description", "classes", "methods"):
        return f"kstar.studies.{job.subject}.{inner.replace('methods', 'maps')}"
    return f"kstar.{KSTAR_KEYS.get(inner, inner)}"


def _study_key(job: PlannedJob, path: tuple[str, ...]) -> str:
    """Config key of a setting of a job that belongs to one study, and not to the k* studies."""
    if path[0] in OF_NETWORK:
        return ".".join(["models", job.wildcards["model"], *path])
    if path[0] == "layer" and path[1:] and "layer" in job.wildcards:
        return ".".join(["models", job.wildcards["model"], "layers", job.wildcards["layer"], *path[1:]])
    inner = path[PREFIXES.get(path[0], 0) :]
    if path[0] == "sources":  # of relations, which are chosen by a key or follow from the named study
        inner = path[2:] if path[2:] and path[2] in CHOICES else path[1:2]
    return ".".join([job.family, "studies", job.subject, *inner])


def _data_key(config: Config, job: PlannedJob, name: str) -> str:
    """Config key of a file or function whose content is part of the settings; the key of its section if unknown."""
    change = job.wildcards.get("transform", "")
    if transform := config.transforms.get(change):
        of_transform = transform.files() | transform.functions()
        if keys := [key for key, value in of_transform.items() if value == name]:
            return f"transforms.{change}.{keys[0]}"
    if job.verb in DATASETS:
        where, dataset = f"datasets.{job.subject}", config.datasets[job.subject]
        named = dataset.files() | dataset.functions()
    else:
        where = config_key(job, ("architecture",)).removesuffix(".architecture")
        model = config.models[where.partition(".")[2]]
        named = model.files() | model.functions()
    return next((f"{where}.{key}" for key, value in named.items() if value == name), where)


def _changed_points(config: Config, job: PlannedJob, before: Any, now: Any) -> dict[str, str]:
    """Changes between the grids of a study, by config key; for dimensions set to `all`, the key of the model's list."""
    old, new = ({grid["model"][0]: grid for grid in grids} for grids in (before, now))
    study, asked = f"{job.family}.studies.{job.subject}", getattr(config, job.family).studies[job.subject]
    lines: dict[str, str] = {}
    if list(old) != list(new):
        lines[f"{study}.{'features' if asked.model is None else 'model'}"] = _change([*old], [*new])
    for model in [model for model in new if model in old]:
        for (dimension, *_), values, wanted in differences(old[model], new[model]):
            follows = dimension in LISTS and not getattr(asked, dimension)
            key = f"models.{model}.{LISTS[dimension]}" if follows else f"{study}.{dimension}"
            if dimension == INTERVALS_OF:
                key = f"models.{model}.{dimension}"
                values, wanted = (known if known is ABSENT else known[0] for known in (values, wanted))
            if dimension == "initialisation":
                key, values, wanted = f"{key}s", len(values), len(wanted)
            lines[key] = _change(values, wanted)
    return lines


def _change(old: Any, new: Any) -> str:
    """Text with the old and new value; for long lists, whose ends are not shown, the added and removed values."""
    if isinstance(old, list) and isinstance(new, list) and max(len(old), len(new)) > SHORT_LIST:
        come, gone = ([value for value in some if value not in others] for some, others in ((new, old), (old, new)))
        parts = [f"{yaml_text(values)} {text}" for values, text in ((come, "added"), (gone, "taken out")) if values]
        return ", ".join(parts) or "another order"
    before, after = ("(not set)" if value is ABSENT else yaml_text(value) for value in (old, new))
    return f"{before} -> {after}" if before != after else "has changed"


def changed_code(verb: str, code: str, record: Mapping[str, Any]) -> list[str]:
    """List the modules and libraries that have changed since the outputs were made, one line each.

    Args:
        verb: name of the step.
        code: current fingerprint of its code.
        record: from `records.comparable`.
    """
    if record["code"] == code:
        return []
    modules = record.get("modules", {})
    changed = _changes(modules, module_digests(step_module(verb))) if modules else {}
    lines = [f"code: {name} {_use(old, new)}" for name, (old, new) in changed.items()]
    before = {name: version for name, version in record["versions"].items() if name != "python"}
    for name, (old, new) in _changes(before, library_versions(step_module(verb))).items():
        lines.append(f"library: {name} {old or '(not used)'} -> {new or '(not used)'}")
    return lines or [f"code: that of {verb} has changed"]


def changed_inputs(job: Job, unit: Unit, record: Mapping[str, Any]) -> list[str]:
    """List changed inputs of outputs whose settings and code are the same; empty if the inputs have the same bytes.

    Args:
        job: the job that makes the outputs.
        unit: the outputs, which may be missing.
        record: from `records.comparable`.
    """
    inputs = job.files("input")
    replaced = _changes(record["inputs"], {name: str(path) for name, path in inputs.items()})
    later = newer(inputs.values(), unit.outputs.values())
    if not (replaced or later) or _is_made_from(job, unit, record):
        return []
    lines = [f"input: {old or '(none)'} -> {new or '(none)'}" for old, new in replaced.values()]
    return lines or [f"input: {path} has changed" for path in later]


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Old and new value of each name whose value differs; "" for a missing value."""
    names = sorted(before.keys() | now.keys())
    return {n: (before.get(n, ""), now.get(n, "")) for n in names if before.get(n) != now.get(n)}


def _use(old: str, new: str) -> str:
    return "has changed" if old and new else "is used now" if new else "is no longer used"


def newer(inputs: Iterable[Path], outputs: Iterable[Path]) -> list[Path]:
    """Inputs written after the oldest output; paths that do not exist do not count."""
    written = [time for path in outputs if (time := _written(path)) is not None]
    return [path for path in inputs if (_written(path) or 0) > min(written)] if written else []


def _written(path: Path) -> int | None:
    """Modification time of a file in nanoseconds; None if it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _is_made_from(job: Job, unit: Unit, record: Mapping[str, Any]) -> bool:
    """Whether the inputs have the same bytes as when the outputs were made; compared for the recorded device."""
    inputs = job.files("input")
    if not all(path.exists() for path in inputs.values()):
        return False
    digests = {name: content_digest(path) for name, path in inputs.items()}
    return bool(job._replace(device=record["device"]).key(unit, digests) == record["key"])
