"""Measure the cost of jobs on this machine, by short trials with the networks and data of the config.

Data that are not there yet are noise of the same size.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from workflow_lib.datasets.artifact import StoredSplit, open_split
from workflow_lib.io.storage import load
from workflow_lib.plan import trials
from workflow_lib.plan.costs import MEASURABLE, Cost
from workflow_lib.plan.expected import expected, noise
from workflow_lib.plan.jobs import PlannedJob, job_of
from workflow_lib.plan.plan import Plan
from workflow_lib.prototypes.boundaries import HALVINGS, SCAN
from workflow_lib.prototypes.deepfool import STEPS
from workflow_lib.training.devices import configure

KSTAR_BYTES = 32.0
"""Bytes of a sample in a store of k*."""
LOOKS = SCAN + 1 + 2 + 2 * HALVINGS[torch.float32]
"""Largest number of forward passes for a boundary image, on the line and on the path."""
SOURCE = "measured on this machine"
BOUND = "measured on this machine, for as many steps as are allowed"

Counts = tuple[float, float, str]
"""Seconds, bytes and source of an estimate."""


class Measurements:
    """Measures each network once per kind of work.

    Args:
        plan: the plan of the run.
        device: cpu | cuda | auto.
    """

    def __init__(self, plan: Plan, device: str = "auto") -> None:
        self._plan, self._device = plan, configure(device, 1)
        self._known: dict[str, tuple[float, float]] = {}
        self._splits: dict[Path, StoredSplit | None] = {}
        self._kinds: dict[str, Callable[[PlannedJob, Any, StoredSplit], Counts]] = {
            verb: getattr(self, f"_{verb}") for verb in MEASURABLE
        }

    def cost(self, job: PlannedJob) -> Cost | None:
        """Cost of a job; None if it cannot be measured, or if nothing is known of its data."""
        if job.verb not in self._kinds:
            return None
        split = self._split(self._dataset(job))
        if split is None:
            return None
        spec = json.loads(job.run(self._plan, self._device).spec)
        seconds, size, source = self._kinds[job.verb](job, spec, split)
        return Cost(seconds, seconds if self._device == "cuda" else 0.0, size, source)

    def _dataset(self, job: PlannedJob) -> Path:
        """File of a split that fits the network of a job, or that its features are of; or imported features."""
        for path in job.needs:
            if path.startswith((self._plan.path("datasets/"), self._plan.path("features/imported/"))):
                return Path(path)
            if path.startswith(self._plan.path("features/")):
                return self._dataset(job_of(self._plan, path))
        dataset = self._plan.config.models[job.wildcards["model"]].dataset
        return Path(self._plan.path(f"datasets/{dataset}/train.zarr.zip"))

    def _split(self, file: Path) -> StoredSplit | None:
        """The split of a file, or noise of its size; None if that is not known."""
        if file not in self._splits:
            name, split = file.parent.name, file.name.partition(".")[0]
            imported = file.parent == Path(self._plan.path("features/imported"))
            if file.is_file():
                self._splits[file] = rows(file) if imported else open_split(file)
            else:
                size = None if imported else expected(name, split, self._plan.config.datasets)
                self._splits[file] = noise(size) if size else None
        return self._splits[file]

    def _train_interval(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        model, interval = job.wildcards["model"], int(job.wildcards["interval"])
        begin = 0 if self._plan.by_data(model) else next(iter(self._plan.previous(model, interval)), 0)
        seconds, size = self._once(job, trials.training, spec, split)
        epochs = spec["training"]["epochs"] * (interval - begin) / 100
        return seconds * len(split) * epochs, size, SOURCE

    def _train_replicates(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, _ = self._once(job, trials.training, spec, split)
        classes, trainings = len(split.class_names), len(spec["runs"])
        return seconds * len(split) * spec["training"]["epochs"] * trainings, 8.0 * classes**2 * trainings, SOURCE

    def _extract_features(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, size = self._once(job, trials.extraction, spec, split)
        return seconds * len(split), size * len(split), SOURCE

    def _compute_kstar(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        (file,) = job.reads
        width = split.image_shape[-1]
        if Path(file) != self._dataset(job):
            whole = json.loads(job_of(self._plan, file).run(self._plan, self._device).spec)
            layer = Path(file).name.removesuffix(".zarr.zip")
            width = round(
                self._once(job, trials.extraction, {**whole, "layers": {layer: whole["layers"][layer]}}, split)[1] / 4
            )
        seconds, few = self._once(job, trials.neighbours, {"metric": spec["metric"], "width": width}, split)
        return seconds * (len(split) / few) ** 2, KSTAR_BYTES * len(split), SOURCE

    def _make_prototypes(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, size = self._once(job, trials.gradient, spec, split)
        images = len(split.class_names) ** 2
        return seconds * images * spec["descent"]["steps"], size * images, BOUND

    def _attack_prototypes(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, size = self._once(job, trials.gradient, {**spec, "descent": {}}, split)
        classes = len(split.class_names)
        return seconds * classes * classes * STEPS, size * classes, BOUND  # a gradient for each other class

    def _find_boundaries(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, size = self._once(job, trials.forward, spec, split)
        images = len(split.class_names) * (len(split.class_names) - 1)
        return seconds * images * LOOKS, size * images * 2, BOUND

    def _once(
        self,
        job: PlannedJob,
        measure: Callable[[Mapping[str, Any], StoredSplit, str], tuple[float, float]],
        spec: Mapping[str, Any],
        split: StoredSplit,
    ) -> tuple[float, float]:
        shaping = {key: value for key, value in spec.items() if key not in OF_ONE_JOB}
        key = json.dumps([measure.__name__, str(self._dataset(job)), shaping], sort_keys=True)
        if key not in self._known:
            self._known[key] = measure(spec, split, self._device)
        return self._known[key]


def rows(file: Path) -> StoredSplit:
    """Imported features as a split whose samples are rows."""
    store = load(file)
    names = tuple(map(str, store["class"].values))
    labels, features = store["label"].values, store["features"]
    return StoredSplit(labels, store["sample"].values, names, (1, 1, features.shape[1]), features)


OF_ONE_JOB = ("model", "seed", "study", "runs", "initialisation", "each", "stop_epoch", "intervals_of", "percent")
"""Settings that do not affect the time of a unit of work."""
