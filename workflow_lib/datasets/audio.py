"""Sounds as log-mel spectrograms, read block by block."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.audio_clips import clips_in_folders, clips_of_table
from workflow_lib.datasets.image_tree import merged
from workflow_lib.datasets.labels import encode
from workflow_lib.datasets.selection import train_and_test
from workflow_lib.datasets.spectrograms import log_mel, mel_filters
from workflow_lib.datasets.split import Rows, Split, strings
from workflow_lib.datasets.waves import Sound, fitted, read_sound
from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.progress import bar

NAMED = 3
"""Largest number of clips named for each change."""


def read_audio(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits of spectrograms (1, n_mels, frames) float32 in [0, 1] of the sounds in `root`.

    The first row is the highest mel band, so that images show low frequencies at the bottom. A clip is in memory only
    while it is read. Every file is read once before, so that all problems are named at once. What is resampled, mixed
    down, cut and padded is counted on standard error and in `Split.changes`.

    Raises:
        UserError: the table or the folders are wrong, mel bands are empty, or files cannot be used. All of them are
            named.
    """
    root, filters = Path(spec["root"]), _filters(spec)
    clips, problems = clips_of_table(spec) if spec["table"] else clips_in_folders(spec)
    sounds, unusable = _looked_through(clips.files, spec)
    if problems or unusable:
        raise UserError(*merged([*problems, *unusable]))
    changes = _changes(sounds, spec)
    for words in changes.values():
        print(f"{root}: {words}", file=sys.stderr)
    (labels,), class_names = encode([(str(root), np.array(clips.labels))], clips.class_names)

    def read(rows: Rows) -> NDArray[np.float32]:
        return np.stack([_image(_sound(clips.files[row], spec), filters, spec) for row in rows])[:, None]

    samples = round(spec["seconds"] * spec["sample_rate"])
    whole = Split(
        source="audio",
        origin=str(root),
        labels=labels,
        ids=strings(clips.ids),
        class_names=class_names,
        image_shape=(1, spec["n_mels"], 1 + samples // spec["hop_length"]),
        dtype=np.dtype(np.float32),
        read=read,
        scale=_scale(spec),
        changes=changes,
    )
    if clips.in_test is None:
        return train_and_test(whole, spec)
    return {"train": whole.take(np.flatnonzero(~clips.in_test)), "test": whole.take(np.flatnonzero(clips.in_test))}


def _filters(spec: Mapping[str, Any]) -> NDArray[np.float32]:
    filters = mel_filters(**{key: spec[key] for key in ("sample_rate", "n_fft", "n_mels", "fmin", "fmax")})
    empty = int((filters.max(axis=1) == 0).sum())
    if empty:
        allowed = f"{empty} of these mel bands lie between two frequencies of the transform and would always be empty"
        raise UserError(Problem("n_mels", str(spec["n_mels"]), allowed, "write fewer bands, or raise n_fft"))
    return filters


def _sound(file: Path, spec: Mapping[str, Any]) -> Sound:
    may_be_silent = spec["reference"] != "max"
    return read_sound(file, seconds=spec["seconds"], align=spec["align"], may_be_silent=may_be_silent)


def _image(sound: Sound, filters: NDArray[np.float32], spec: Mapping[str, Any]) -> NDArray[np.float32]:
    wave = fitted(sound, **{key: spec[key] for key in ("sample_rate", "seconds", "align")})
    return log_mel(wave, filters, **{key: spec[key] for key in ("n_fft", "hop_length", "reference", "top_db")})


def _looked_through(files: Sequence[Path], spec: Mapping[str, Any]) -> tuple[list[Sound], list[Problem]]:
    """The sounds without their waves, and the problems of those that cannot be used."""
    sounds: list[Sound] = []
    problems: list[Problem] = []
    progress = bar("sounds looked through")
    for done, file in enumerate(files, 1):
        try:
            sounds.append(_sound(file, spec)._replace(wave=np.empty(0, np.float32)))
        except UserError as error:
            problems += error.problems
        progress(done, len(files))
    return sounds, problems


def _changes(sounds: Sequence[Sound], spec: Mapping[str, Any]) -> dict[str, str]:
    """What is done to the clips, counted and named, by kind; kinds that none needs are left out."""
    rate, seconds = spec["sample_rate"], spec["seconds"]
    other = [sound for sound in sounds if sound.rate != rate]
    several = [sound for sound in sounds if sound.channels > 1]
    longer = sorted((sound for sound in sounds if sound.seconds > seconds), key=lambda sound: -sound.seconds)
    shorter = sorted((sound for sound in sounds if sound.seconds < seconds), key=lambda sound: sound.seconds)
    unfinished = [sound for sound in sounds if sound.is_short]
    cases = {
        "resampled": (other, f"of {listed(sorted({sound.rate for sound in other}))} Hz resampled to {rate} Hz"),
        "mixed_down": (several, f"of up to {max((s.channels for s in several), default=0)} channels averaged"),
        "cut": (longer, f"of up to {longer[0].seconds:.2f} s cut to {seconds:g} s" if longer else ""),
        "padded": (shorter, f"of {shorter[0].seconds:.2f} s or more padded to {seconds:g} s" if shorter else ""),
        "unfinished": (unfinished, "shorter than the header of the file says"),
    }
    return {
        kind: f"{len(of)} {'clip' if len(of) == 1 else 'clips'} {words}: {listed((s.file.name for s in of), NAMED)}"
        for kind, (of, words) in cases.items()
        if of
    }


def _scale(spec: Mapping[str, Any]) -> str:
    zero = "the loudest point of the clip" if spec["reference"] == "max" else "about the level of a sine of amplitude 1"
    return f"float: 0 is -{spec['top_db']:g} dB and below, 1 is 0 dB, which is {zero}; y: mel bands, the highest first"
