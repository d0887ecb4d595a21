"""What was run, in words and numbers: data with their sizes, models with their parameters and accuracies."""

import contextlib
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_lib.config.models import Model
from workflow_lib.errors import UserError
from workflow_lib.names import SPLITS
from workflow_lib.plan.confusion import ConfusionPlan
from workflow_lib.plan.plan import Plan
from workflow_lib.report.words import counted, listed, percent

UNITS = {"audio": "clips", "features": "samples", "table": "rows", "text": "texts"}
"""What a sample is, in the plural, by source or kind of source; of others it is an image."""
SHOWN_CLASSES = 12


@dataclass(frozen=True)
class Data:
    """A dataset.

    Attributes:
        name: in the config.
        source: in the config.
        sizes: samples of each split, in words; "" if it is not there yet.
        count, classes: their number and names, in words.
        shape: of a sample, in words.
    """

    name: str
    source: str
    sizes: str = ""
    count: str = ""
    classes: str = ""
    shape: str = ""


@dataclass(frozen=True)
class Network:
    """A model.

    Attributes:
        name, architecture, data: in the config.
        parameters: their number; None before the check of the network.
        training: how it is trained, in words.
        seeds: their number.
        train_accuracy, test_accuracy: mean share of samples over the seeds at the end of the training, and its range;
            "" if it is not known.
        note: where the test accuracy comes from, if not from this model's own features.
    """

    name: str
    architecture: str
    data: str
    parameters: int | None
    training: str
    seeds: int
    train_accuracy: str
    test_accuracy: str
    note: str = ""


def unit(plan: Plan, dataset: str) -> str:
    """What a sample of a dataset is, in the plural."""
    settings = plan.config.datasets[dataset]
    parts = settings.parts()
    return unit(plan, parts[0]) if parts else UNITS.get(settings.source) or UNITS.get(settings.kind, "images")


def data(plan: Plan) -> list[Data]:
    """All datasets of a plan."""
    return [_data(plan, name) for name in plan.config.datasets]


def networks(plan: Plan) -> list[Network]:
    """All models of a plan."""
    return [_network(plan, name, model) for name, model in plan.config.models.items()]


def _data(plan: Plan, name: str) -> Data:
    source = plan.config.datasets[name].source
    imported = name in plan.imported
    paths = (
        {"": f"features/imported/{name}.zarr.zip"} if imported else {s: f"datasets/{name}/{s}.zarr.zip" for s in SPLITS}
    )
    noun = unit(plan, name)
    sizes, count, classes, shape = [], "", "", ""
    for split, path in paths.items():
        if not (file := Path(plan.path(path))).is_file():
            continue
        from workflow_lib.io.storage import load

        try:
            with load(file) as store:
                words = {"train": f"training {noun}", "test": f"test {noun}"}.get(split, noun)
                sizes.append(f"{store.sizes['sample']:,} {words}")
                names = [str(value) for value in store["class"].values] if "class" in store else []
                count, classes = counted(len(names), "class", "classes") if names else "", listed(names, SHOWN_CLASSES)
                shape = _shape(store["features" if imported else "image"].sizes)
        except (UserError, KeyError):
            continue
    return Data(name, source, " and ".join(sizes), count, classes, shape)


def _shape(sizes: Mapping[Any, int]) -> str:
    """Shape of a sample in words, from the sizes of all dimensions."""
    words = [counted(n, str(d)) for d, n in sizes.items() if d not in ("sample", "y", "x")]
    pixels = [f"{sizes['y']} × {sizes['x']} pixels"] if "x" in sizes else []
    return ", ".join(pixels + words)


def _network(plan: Plan, name: str, model: Model) -> Network:
    train = [value for seed in model.seeds if (value := _trained(plan, name, seed)) is not None]
    test = [value for seed in model.seeds if (value := _tested(plan, name, model, seed)) is not None]
    seeds, note = len(model.seeds), ""
    looked_at = [*plan.kstar.values(), *plan.prototypes.values()]
    confusion = next((study for study in plan.confusion.values() if study.settings.model == name), None)
    if confusion and not any(name in study.study.models for study in looked_at):
        seeds, test = len(confusion.settings.seeds), _baseline(confusion)
        note = f"baseline of “{confusion.study.title}”"
    parameters = _parameters(Path(plan.path(f"networks/{name}.csv")))
    accuracies = _accuracy(train), _accuracy(test)
    return Network(name, model.architecture, model.dataset, parameters, _training(model), seeds, *accuracies, note)


def _accuracy(values: Sequence[float]) -> str:
    """Mean over seeds, with their range if there are several."""
    if not values:
        return ""
    mean, low, high = map(percent, (sum(values) / len(values), min(values), max(values)))
    return mean if low == high else f"{mean} ({low} to {high})"


def _training(model: Model) -> str:
    settings = model.training
    if settings is None:
        return "weights loaded, not trained here"
    words = [counted(settings.epochs, "epoch"), settings.optimizer, f"learning rate {settings.lr:g}"]
    if settings.adversarial:
        words.append("on attacked images")
    return ", ".join(words)


def _parameters(table: Path) -> int | None:
    """Parameters of the whole network: its check lists those of all parts, and of the whole."""
    return max((int(count) for count in _column(table, "parameters")), default=None)


def _trained(plan: Plan, name: str, seed: int) -> float | None:
    """Share of training samples that were recognised in the last epoch."""
    curve = Path(plan.path(f"checkpoints/{name}/seed-{seed}/interval-100.curve.csv"))
    return next(iter(_column(curve, "train_accuracy")[::-1]), None)


def _tested(plan: Plan, name: str, model: Model, seed: int) -> float | None:
    """Share of test samples that the finished network recognises, from the first features with predictions."""
    folder = Path(plan.path(f"features/{name}/{model.dataset}/seed-{seed}/interval-100/test/original"))
    path = next((file for layer in model.layers if (file := folder / f"{layer}.zarr.zip").is_file()), None)
    if path is None:
        return None
    from workflow_lib.io.storage import load

    with contextlib.suppress(UserError, KeyError), load(path) as store:  # without predictions, there is no such key
        return float((store["prediction"].values == store["label"].values).mean())
    return None


def _baseline(study: ConfusionPlan) -> list[float]:
    """Test accuracy of each baseline run of a confusion study that did not diverge."""
    path = Path(study.folder) / "counts.zarr.zip"
    if not path.is_file():
        return []
    from workflow_lib.io.storage import load

    with contextlib.suppress(UserError, KeyError), load(path) as store:
        counts = store["counts"].values[0]  # (seed, true, predicted)
        kept = ~store["diverged"].values[0].astype(bool)
        return [float(matrix.trace() / matrix.sum()) for matrix in counts[kept] if matrix.sum()]
    return []


def _column(table: Path, name: str) -> list[float]:
    """Numbers of a column of a CSV; none if it cannot be read."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return [float(row[name]) for row in csv.DictReader(file)]
    except (OSError, ValueError, LookupError, csv.Error):
        return []
