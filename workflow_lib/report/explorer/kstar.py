"""What the explorer shows of k* studies: the points that fit, with maps and neighbours of their samples."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import xarray as xr

from workflow_lib.datasets.artifact import open_split
from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.kstar.directions import zero_rows
from workflow_lib.kstar.nearest import nearest
from workflow_lib.kstar.projections import FEWEST_SAMPLES, project
from workflow_lib.kstar.summary import summarize
from workflow_lib.names import MapMethod
from workflow_lib.plan.kstar import FROM_FILE, FROM_MODEL, KstarPlan
from workflow_lib.plan.plan import Plan
from workflow_lib.points import DIMENSIONS, points, varied
from workflow_lib.report.explorer.blobs import Blobs, narrow
from workflow_lib.report.explorer.samples import Rows, Samples
from workflow_lib.report.explorer.sounds import Sounds
from workflow_lib.seeds import sample_rows

NEIGHBOURS = 6
WORK, ALL_WORK = 4e11, 4e12
"""Most steps of the search for the neighbours in one point, and in all points; 4e11 are about ten seconds of one core.
Where they do not suffice, the samples with the smallest kappa get neighbours."""
PER_PAIR = 60
"""Steps for a pair of samples besides those for each of its features."""
SLOWER = 8
"""Steps for each feature where distances are not made from products."""
LISTED = 2000
"""So many suspicious samples are listed, equally many of every class, but at least 20 of each."""
MAP_VALUES = 2**25
"""Values of features from which a map is made, 256 MB as float64; of more, a selection of samples is mapped."""
POINTS, WITH_NEIGHBOURS = 0.5, 0.7
"""Share of the room that points may fill, and that points with neighbours may fill. Pictures get the rest."""

PROBABILITY = 65_534
"""Probabilities are whole numbers in the page: 1 stands for 0, so much more for 1, and 0 for none."""

Current = Callable[[Path], bool]
"""Whether a result is there and up to date."""


@dataclass
class Point:
    """A point of a study in the page.

    Attributes:
        source: its place below `features`.
        metric: its metric.
        samples: its samples.
        places: (n,) of the samples in its k* store, their places in the page, -1 for those not shown.
        order: rows of its k* store that are shown and have a nearest foreign sample, the most suspicious first.
        entry: what the page is told.
    """

    source: str
    metric: str
    samples: Samples
    places: Rows
    order: Rows
    entry: dict[str, Any]


class KstarData:
    """The k* studies of a plan, as far as they are there and fit.

    Args:
        plan: whose results are read.
        blobs: take the data.
        current: whether a result may be shown.
    """

    def __init__(self, plan: Plan, blobs: Blobs, current: Current) -> None:
        self._plan, self._blobs, self._current = plan, blobs, current
        self._samples: dict[str, Samples | None] = {}
        self._maps: dict[str, dict[str, int]] = {}
        self._near: dict[tuple[str, str], dict[str, int] | None] = {}
        self._work = ALL_WORK

    def read(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Studies and samples, as the page is told of them."""
        made: dict[str, list[Point]] = {name: [] for name in self._plan.kstar}
        lost: dict[str, Counter[str]] = {name: Counter() for name in made}
        for name, values in _first_looks_first(self._plan.kstar):
            found = self._point(values, imported=bool(self._plan.kstar[name].study.imported))
            if isinstance(found, str):
                lost[name][found] += 1
            else:
                made[name].append(found)
        for point in sorted((p for several in made.values() for p in several), key=lambda p: p.entry["rank"]):
            point.entry["near"] = self._neighbours(point)
        pictured = [samples for samples in self._samples.values() if samples]
        for left, samples in zip(range(len(pictured), 0, -1), pictured, strict=True):
            samples.add_media(self._blobs, self._blobs.used + (self._blobs.room - self._blobs.used) / left)
        studies = [self._study(self._plan.kstar[name], made[name], lost[name]) for name in made]
        return studies, [samples.entry for samples in self._samples.values() if samples]

    def _study(self, study: KstarPlan, made: list[Point], lost: Counter[str]) -> dict[str, Any]:
        return {
            "family": "kstar",
            "name": study.name,
            "title": study.study.title,
            "varied": varied(study.grids),
            "threshold": study.threshold,
            "shown": [point.entry for point in made],
            "lost": dict(lost),
        }

    def _point(self, values: Mapping[str, Any], imported: bool) -> Point | str:
        """A point, or why it is not shown."""
        source = (FROM_FILE if imported else FROM_MODEL).format(**values)
        path = Path(self._plan.results, "kstar", source, f"{values['metric']}.zarr.zip")
        if not path.is_file():
            return "not computed"
        if not self._current(path):
            return "outdated"
        try:
            with storage.load(path) as store:
                return self._read(store.load(), values, source)
        except UserError:
            return "damaged"

    def _read(self, store: xr.Dataset, values: Mapping[str, Any], source: str) -> Point | str:
        samples = self._of_split(values, source, store)
        if samples is None:
            return "no room"
        places = samples.places(store["sample"].values)
        kept, labels = places >= 0, store["label"].values
        kappa, foreign, distance = (store[v].values for v in ("kappa", "nearest_foreign", "nearest_foreign_distance"))
        order = np.lexsort((distance, kappa))
        order = order[kept[order] & (foreign[order] >= 0)]  # those at the end of an approximate search have none

        def spread(numbers: npt.NDArray[Any]) -> npt.NDArray[np.generic]:
            """Numbers of the samples in the page; 0 for those without k*."""
            whole = np.zeros(len(samples.shown), dtype=np.int64)
            whole[places[kept]] = numbers[kept]
            return narrow(whole)

        arrays = {
            "kappa": spread(kappa),
            "foreign": spread(np.where(foreign >= 0, places[foreign] + 1, 0)),
            "piece": spread(store["piece"].values + 1),
            "suspects": narrow(places[_listed(order, labels)]),
        }
        if "prediction" in store.coords:
            prediction = store["prediction"].values
            doubtful = order[prediction[order] == labels[foreign[order]]]
            arrays |= {"prediction": spread(prediction + 1), "doubtful": narrow(places[_listed(doubtful, labels)])}
            arrays |= self._confidences(source, samples)
        if "censored" in store:
            arrays["censored"] = spread(store["censored"].values.astype(np.int64))
        config = self._plan.config.kstar
        table = summarize(kappa, labels, config.skewness, config.threshold)
        patterns = dict(zip(table["label"].tolist(), table["pattern"].tolist(), strict=True))
        about = {
            "values": {d: values[d] for d in DIMENSIONS},
            "samples": list(self._samples.values()).index(samples),
            "sizes": np.bincount(labels, minlength=len(samples.class_names)).tolist(),
            "patterns": [patterns.get(label, "") for label in range(len(samples.class_names))],
        }
        added = self._blobs.add(*arrays.values(), besides=[about, list(arrays)], limit=POINTS * self._blobs.room)
        if added is None:
            return "no room"
        pairs = np.stack([places[order], places[foreign[order]]], axis=1).ravel()
        samples.wanted += [pairs[pairs >= 0]]
        maps = self._maps_of(source, samples)
        entry = {**about, **dict(zip(arrays, added, strict=True)), "maps": maps, "rank": self._rank(values)}
        return Point(source, values["metric"], samples, places, order, entry)

    def _rank(self, values: Mapping[str, Any]) -> int:
        """0 for the points that are shown first: their samples get neighbours first."""
        return int(values not in [p for study in self._plan.kstar.values() for p in points(study.mapped)])

    def _of_split(self, values: Mapping[str, Any], source: str, store: xr.Dataset) -> Samples | None:
        """The samples of a point's split; None if they do not fit."""
        name = f"{values['dataset']}, {values['split']}"
        if name not in self._samples:
            split = Path(self._plan.results, "datasets", values["dataset"], f"{values['split']}.zarr.zip")
            for path in (split, self._features(source)):  # they also have the samples without k*
                if self._current(path):
                    store = storage.load(path)
                    break
            images = open_split(split) if "image" in store else None
            ids, labels = store["sample"].values, store["label"].values
            texts = self._texts(values["dataset"], values["split"], ids)
            sounds = self._sounds(values["dataset"]) if images else None
            samples = Samples(ids, labels, [str(name) for name in _class_names(store)], images, texts, sounds)
            self._samples[name] = samples if samples.add(self._blobs, name) else None
        return self._samples[name]

    def _texts(self, dataset: str, split: str, ids: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Texts of samples that were made from a dataset of texts, by their ids."""
        for path in map(Path, self._plan.parts(dataset, split) if dataset in self._plan.config.datasets else []):
            if self._current(path) and "text" in (store := storage.load(path)):
                texts = dict(zip(store["sample"].values.tolist(), store["text"].values.tolist(), strict=True))
                return np.array([texts.get(name, "") for name in ids.tolist()], dtype=object)
        return None

    def _sounds(self, dataset: str) -> Sounds | None:
        """The sound files of a dataset; those of a split that is up to date are as they were."""
        settings = self._plan.config.datasets.get(dataset)
        with contextlib.suppress(UserError):
            return Sounds(settings.model_dump(mode="json")) if settings and settings.source == "audio" else None
        return None

    def _features(self, source: str) -> Path:
        return Path(self._plan.results, "features", f"{source}.zarr.zip")

    def _confidences(self, source: str, samples: Samples) -> dict[str, npt.NDArray[np.generic]]:
        """How sure the network is of its prediction, and of the sample's own class; empty if its features are gone."""
        path = self._features(source)
        if not self._current(path):
            return {}
        with storage.load(path) as store:
            places = samples.places(store["sample"].values)
            kept = places >= 0
            found: dict[str, npt.NDArray[np.generic]] = {}
            for name in ("confidence", "label_probability"):
                if name not in store:
                    continue
                whole = np.zeros(len(samples.shown), dtype=np.uint16)
                share = store[name].values[kept].astype(np.float64)
                whole[places[kept]] = np.where(np.isnan(share), 0, np.rint(np.nan_to_num(share) * PROBABILITY) + 1)
                found[name] = whole
            return found

    def _maps_of(self, source: str, samples: Samples) -> dict[str, int]:
        """Elements with the maps of a source, by method: those of the studies, else its principal components."""
        if source not in self._maps:
            self._maps[source] = {}
            for method, ids, xy in self._drawn(source) or self._principal(source):
                added = self._blobs.add(
                    _quantised(samples.places(ids), xy, len(samples.shown)), limit=POINTS * self._blobs.room
                )
                if added:
                    self._maps[source][method] = added[0]
        return self._maps[source]

    def _drawn(self, source: str) -> list[tuple[str, npt.NDArray[Any], npt.NDArray[np.float64]]]:
        paths = {
            method: Path(self._plan.results, "maps", source, f"{method}.parquet") for method in get_args(MapMethod)
        }
        tables = {method: storage.read_table(path) for method, path in paths.items() if self._current(path)}
        return [(name, table["sample"].to_numpy(), table[["x", "y"]].to_numpy()) for name, table in tables.items()]

    def _principal(self, source: str) -> list[tuple[str, npt.NDArray[Any], npt.NDArray[np.float64]]]:
        path = self._features(source)
        if not self._current(path):
            return []
        with storage.load(path) as store:
            rows = sample_rows(store["label"].values, MAP_VALUES // store.sizes["feature"], seed=0)
            if len(rows) < FEWEST_SAMPLES:
                return []
            xy = project(store["features"][rows].values, "pca", seed=0)
            return [("pca", store["sample"].values[rows], xy)]

    def _neighbours(self, point: Point) -> dict[str, int] | None:
        """Element with the neighbours of a point's samples, and how many of them have some."""
        key = (point.source, point.metric)
        if key not in self._near:
            self._near[key] = self._search(point)
        return self._near[key]

    def _search(self, point: Point) -> dict[str, int] | None:
        path, size = self._features(point.source), len(point.samples.shown)
        room = WITH_NEIGHBOURS * self._blobs.room - self._blobs.used
        if not self._current(path) or room < 4 / 3 * 2 * NEIGHBOURS * len(point.order):
            return None
        with storage.load(path) as store:
            ids, width = store["sample"].values, store.sizes["feature"]
            k = min(NEIGHBOURS, len(point.places) - 1)
            each = len(ids) * (PER_PAIR + width * (1 if point.metric in ("euclidean", "cosine") else SLOWER))
            rows = point.order[: int(min(WORK, self._work) / each)]  # of the k* store
            if k < 1 or not len(rows):
                return None
            self._work -= each * len(rows)
            features = store["features"].values
        if len(point.places) < len(ids):  # vectors of zeros have no cosine
            features = np.delete(features, zero_rows(features), axis=0)
        found = nearest(features, rows, k, point.metric)
        whole = np.zeros((size, k), dtype=np.int64)
        whole[point.places[rows]] = point.places[found] + 1
        added = self._blobs.add(narrow(whole), limit=WITH_NEIGHBOURS * self._blobs.room)
        return {"element": added[0], "k": k, "count": len(rows)} if added else None


def _first_looks_first(studies: Mapping[str, KstarPlan]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Study and values of each point: of every study first the points that its maps show, of the last layer first."""
    firsts = {name: points(study.mapped)[::-1] for name, study in studies.items()}
    yield from ((name, point) for name, several in firsts.items() for point in several)
    for name, study in studies.items():
        yield from ((name, point) for point in points(study.grids) if point not in firsts[name])


def _listed(order: Rows, labels: npt.NDArray[np.integer[Any]]) -> Rows:
    """Of the rows in `order` the first ones of every class, in the same order."""
    most = max(LISTED // max(len(np.unique(labels)), 1), 20)
    by_class = np.argsort(labels[order], kind="stable")
    starts = np.flatnonzero(np.diff(labels[order][by_class], prepend=-1))
    among = np.empty(len(order), dtype=np.int64)  # place within the class
    among[by_class] = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    return order[among < most]


def _quantised(places: Rows, xy: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.uint16]:
    """Coordinates (2 * count,) from 1 to 65535, x and y on the same scale; 0 for samples that are not on the map."""
    centre = (xy.max(axis=0) + xy.min(axis=0)) / 2
    reach = np.abs(xy - centre).max() or 1
    whole = np.zeros((count, 2), dtype=np.uint16)
    kept = places >= 0
    whole[places[kept]] = np.rint((xy[kept] - centre) / reach * 32767 + 32768)
    return whole.ravel()


def _class_names(store: xr.Dataset) -> list[Any]:
    return list(store.attrs["class_names"]) if "class_names" in store.attrs else store["class"].values.tolist()
