"""A small study of a network that hears tones, beside one that sees digits. It needs the extra sound."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from project import Project, run_once

CONFIG = """\
datasets:
  tones:
    source: audio
    root: data
    table: data/clips.csv
    test_speakers: [bo]
    sample_rate: 2000
    seconds: 0.25
    n_fft: 64
    hop_length: 32
    n_mels: 10
  digits: {source: digits, classes: ["0", "1", "2", "3"], subsample: {train: 20, test: 12}}

models:
  heard:
    architecture: small_cnn
    dataset: tones
    training: {epochs: 1, batch_size: 8, lr: 0.01}
    layers: {logits: logits}
  seen:
    architecture: small_cnn
    dataset: digits
    training: {epochs: 1, batch_size: 8, lr: 0.01}
    layers: {logits: logits}

kstar:
  studies:
    both: {model: [heard, seen]}
"""


def made_beside(finished: Project) -> Project:
    """The study, run to its k* in a folder beside the finished miniature."""
    needs_sound()
    return run_once(finished.folder.with_name(f"{finished.folder.name}-sound"), fresh, "kstar")


def fresh(folder: Path) -> Project:
    """The study before its first run, in a new folder."""
    needs_sound()
    data = folder / "data"
    data.mkdir(parents=True)
    rows = ["path,label,speaker"]
    for number in range(12):
        label, speaker = ("low", "high")[number % 2], ("al", "bo", "cy")[number // 2 % 3]
        name = f"{label}_{speaker}_{number}.wav"
        (data / name).write_bytes(tone((200, 600)[number % 2] + 5 * number))
        rows.append(f"{name},{label},{speaker}")
    (data / "clips.csv").write_text("\n".join(rows))
    return Project(folder, config=CONFIG)


def needs_sound(*_: object) -> None:
    """Skip what cannot be tried without the extra."""
    pytest.importorskip("librosa", reason="needs the extra sound")


def tone(hertz: float, count: int = 500) -> bytes:
    """A WAV file of so many samples of a tone, at 2,000 samples a second."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(2000)
        sound.writeframes((10_000 * np.sin(2 * np.pi * hertz * np.arange(count) / 2000)).astype("<i2").tobytes())
    return file.getvalue()
