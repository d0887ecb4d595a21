"""A small project with results written by hand, for the explorer of samples and prototypes."""

import base64
import json
import re
import wave
import zlib
from pathlib import Path

import numpy as np
import xarray as xr

from workflow_lib.io import storage
from workflow_lib.plan.load import load_plan, read_config

CONFIG = """
datasets: {toys: {source: digits}}
models:
  net:
    architecture: small_cnn
    dataset: toys
    training: {epochs: 2, batch_size: 8, optimizer: adam, lr: 0.01}
    intervals: [50, 100]
    layers: {early: conv1, logits: logits}
kstar:
  studies:
    gather:
      {title: How toys gather, model: net, interval: all, split: test, layer: logits, metric: [euclidean, cosine]}
prototypes:
  studies:
    letters: {title: Toys as seen, model: net, interval: all, layer: early, optimizer: sgd, lr: 0.1, steps: 4}
"""
PLACE = "net/toys/seed-0/interval-{interval}/test/original/logits"
FEATURES = np.array([[1, 0], [2, 0], [4, 0], [7, 0.5], [8, 1], [8.5, 1], [9, 2], [2.9, 0.25]], dtype="float32")
"""The last one lies among the first class, but has the label of the second one; the network predicts the first one."""
LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 1])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 1, 1, 0])
IDS = [f"toy-{number}" for number in range(8)]


def kstar_of(features, labels):
    """Kappa, nearest foreign sample and its distance, read off all Euclidean distances."""
    away = np.linalg.norm(features[:, None].astype(float) - features[None], axis=2)
    foreign = labels[:, None] != labels
    nearest = np.where(foreign, away, np.inf).argmin(axis=1)
    distance = away[np.arange(len(labels)), nearest]
    own = ~foreign & ~np.eye(len(labels), dtype=bool)
    return 1 + (own & (away < distance[:, None])).sum(axis=1), nearest, distance


def write_samples(root, features=FEATURES, labels=LABELS, names=("round", "square"), ids=IDS, found=None):
    """Images, features and k* of both intervals; the picture of sample i has the grey level 20 + i % 200."""
    coords = {"sample": list(ids), "label": ("sample", labels), "class": list(names)}
    images = np.broadcast_to((20 + np.arange(len(labels)) % 200)[:, None, None, None], (len(labels), 1, 8, 8))
    dims = ("sample", "channel", "y", "x")
    storage.save(
        xr.Dataset({"image": (dims, images.astype("uint8"))}, coords), root / "results/datasets/toys/test.zarr.zip"
    )
    kappa, foreign, distance = found or kstar_of(features, labels)
    prediction = PREDICTIONS if labels is LABELS else labels
    coords["prediction"] = ("sample", prediction)
    confidence = np.linspace(0.5, 1, len(labels))
    of_label = np.where(prediction == labels, confidence, 1 - confidence)
    network = {"confidence": ("sample", confidence), "label_probability": ("sample", of_label)}
    for interval in (50, 100):
        place = PLACE.format(interval=interval)
        storage.save(
            xr.Dataset({"features": (("sample", "feature"), features), **network}, coords),
            root / f"results/features/{place}.zarr.zip",
        )
        variables = {
            "kappa": kappa,
            "kstar": kappa / np.bincount(labels)[labels],
            "nearest_foreign": foreign,
            "nearest_foreign_distance": distance,
            "piece": np.arange(len(labels)) % 2,
        }
        store = xr.Dataset({name: ("sample", values) for name, values in variables.items()}, coords).drop_vars("class")
        store.attrs = {"class_names": list(names), "left_out": [0] * len(names)}
        storage.save(store, root / f"results/kstar/{place}/euclidean.zarr.zip")


def config_of_sounds():
    """The config with sounds in place of images: WAV files of the names in IDS."""
    source = "{source: audio, root: sounds, table: sounds/clips.csv, ids: name, test_fraction: 0.5, "
    source += "sample_rate: 8000, seconds: 0.5}"
    return CONFIG.replace("{source: digits}", source)


def write_sounds(root):
    """A tone of each sample, 500 + 200 i Hz, half a second."""
    folder = root / "sounds"
    folder.mkdir()
    rows = [f"toy-{i}.wav,{('round', 'square')[label]},toy-{i}" for i, label in enumerate(LABELS)]
    (folder / "clips.csv").write_text("\n".join(["path,label,name", *rows]))
    for i, name in enumerate(IDS):
        tone = 10_000 * np.sin(2 * np.pi * (500 + 200 * i) * np.arange(4000) / 8000)
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(tone.astype("<i2").tobytes())


def write_prototypes(root, names=("round", "square", "star"), seed=0):
    """A set of prototypes of 8 x 8 pixels and its C and R for each interval; one image did not converge."""
    n, rng = len(names), np.random.default_rng(seed)
    for interval in (50, 100):
        place = f"letters/net/seed-0/interval-{interval}/initialisation-0"
        converged = np.ones((n, n), dtype=bool)
        converged[0, 1] = False
        pair, picture, way = ("target", "origin"), ("channel", "y", "x"), ("target", "snapshot")
        shape, crossed = (n, n, 1, 8, 8), np.tril(np.full((n, n), 4), -1) - 1
        images = {
            "image": ((*pair, *picture), rng.random(shape, dtype="float32")),
            "crossing": ((*pair, "side", *picture), rng.random((n, n, 2, 1, 8, 8), dtype="float32")),
            "trajectory": ((*way, *picture), rng.random((n, 4, 1, 8, 8), dtype="float32")),
            "confidence": (pair, rng.random((n, n), dtype="float32")),
            "trajectory_confidence": (way, rng.random((n, 4), dtype="float32")),
            "steps": (pair, rng.integers(4, 900, (n, n))),
            "converged": (pair, converged),
            "predicted": (pair, np.where(converged, np.arange(n)[:, None], n - 1)),
            "crossing_step": (pair, crossed),
            "trajectory_step": (way, np.tile([0, 1, 2, -1], (n, 1))),
        }
        classes = {dim: list(names) for dim in pair}
        storage.save(xr.Dataset(images, classes), root / f"results/prototypes/{place}.zarr.zip")
        dims, axes = (*pair, "other"), {**classes, "other": list(names)}
        tensors = {name: (dims, rng.random((n, n, n))) for name in "CR"} | {"converged": (pair, converged)}
        storage.save(xr.Dataset(tensors, axes), root / f"results/dissimilarity/{place}/early.zarr.zip")


def plan_in(root, config=CONFIG):
    """The plan of a config in this folder, which must be the working directory."""
    (root / "config.yaml").write_text(config)
    return load_plan(read_config([Path("config.yaml")]), ["config.yaml"])


def contents_of(html):
    """What the page is told, and a function that decodes its elements."""
    elements = dict(re.findall(r'id="explorer-(\d+)" (data-kind="\w+">[^<]*)</script>', html))

    def element(number):
        kind, text = re.fullmatch(r'data-kind="(\w+)">(.*)', elements[str(number)]).groups()
        content = base64.b64decode(text)
        if kind == "webp":
            return content
        content = zlib.decompress(content)
        return json.loads(content) if kind == "text" else np.frombuffer(content, kind)

    return json.loads(re.search(r'id="explorer-contents">(.*?)</script>', html).group(1)), element
