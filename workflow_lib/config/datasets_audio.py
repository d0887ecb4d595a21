"""Source `audio`: sound files as spectrograms, which are images of one channel."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workflow_lib.config import extras
from workflow_lib.config.fields import Count, Seed, Text, Unique, example
from workflow_lib.config.paths import EITHER
from workflow_lib.config.sources import Images
from workflow_lib.errors import Problem, listed, yaml_text

TABLES = (".csv", ".tsv", ".parquet")
OF_TABLE = ("paths", "labels", "speakers", "splits", "ids", "test_speakers")
"""Keys that only a table gives a meaning."""
Hertz = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class Audio(Images):
    """Sound files as log-mel spectrograms: images of one channel, (mel band, frame), from 0 to 1.

    It needs the extra sound.
    """

    suffixes: ClassVar[tuple[str, ...]] = EITHER
    reads_hidden: ClassVar[bool] = False
    model_config = example(
        source="audio", root="data/speech", table="data/speech/clips.csv", test_speakers=["theo"], sample_rate=8000
    )

    source: Literal["audio"]
    """Sound files."""
    root: Text
    """Folder of the sound files. Without a table it holds train/CLASS and test/CLASS, or CLASS when `test_fraction` is
    given."""
    table: Text | None = None
    """Table of the clips (.csv, .tsv or .parquet), with a row for each; null if the folders are the classes."""
    paths: Text = "path"
    """Column of the table: sound files, relative to `root`."""
    labels: Text = "label"
    """Column of the table: classes."""
    speakers: Text = "speaker"
    """Column of the table: who speaks, or any other source of several clips; read only if there are `test_speakers`."""
    splits: Text | None = None
    """Column of the table: train or test."""
    ids: Text | None = None
    """Column of the table: unique names of the clips; null takes the paths."""
    test_speakers: Annotated[Unique[Text], Field(min_length=1)] | None = None
    """All clips of these speakers, and no others, are the test split."""
    test_fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of each class that becomes the test split; 1 if there is nothing to train on."""
    split_seed: Seed = 0
    """Seed of the split by `test_fraction`."""
    sample_rate: Annotated[int, Field(ge=1000, le=384_000)] = 16_000
    """Samples per second; clips of other rates are resampled."""
    seconds: Positive = 1.0
    """Length of all clips: longer ones are cut, shorter ones padded with silence."""
    align: Literal["start", "centre"] = "start"
    """Where clips are cut and padded: only at their end, or equally at both ends."""
    n_fft: Annotated[int, Field(ge=16)] = 400
    """Samples in a frame, an even number, under a Hann window; the default is 25 ms at 16 kHz."""
    hop_length: Count = 160
    """Samples from a frame to the next one; the default is 10 ms at 16 kHz."""
    n_mels: Annotated[int, Field(ge=4)] = 80
    """Mel bands: the height of the image."""
    fmin: Hertz = 0.0
    """Lowest frequency in Hz."""
    fmax: Positive | None = None
    """Highest frequency in Hz; null is half the sample rate."""
    reference: Literal["max", "full_scale"] = "max"
    """Which level is 0 dB, the pixel 1. max: the loudest point of each clip, so that loudness does not matter.
    full_scale: about that of a sine of amplitude 1; louder points are cut."""
    top_db: Positive = 80.0
    """Levels this many dB below the reference, and lower ones, are the pixel 0."""

    def files(self) -> dict[str, str]:
        """The folder `root` and the table."""
        return {"root": self.root} | ({"table": self.table} if self.table else {})

    def extras(self) -> dict[str, str]:
        """What reads sounds."""
        return {"source": "sound"}

    def functions(self) -> dict[str, str]:
        """librosa, whose version counts, and that of what it stands on."""
        return {"source": "librosa.filters:mel"} if extras.is_installed("sound") else {}

    def has_training_split(self) -> bool:
        """Not if every clip is one to test on."""
        return self.test_fraction != 1

    def problems(self, where: str) -> Iterator[Problem]:
        """Contradictions in values that are all well formed."""
        yield from self._split_problems(where)
        if self.table and not self.table.endswith(TABLES):
            allowed = f"the name must end in one of {listed(TABLES)}"
            yield Problem(f"{where}.table", self.table, allowed, "save the table as CSV or Parquet")
        highest = self.sample_rate / 2
        fmax = self.fmax or highest
        if fmax > highest:
            allowed = f"must not be above {highest:g}, half the sample rate"
            yield Problem(f"{where}.fmax", f"{fmax:g}", allowed, "remove it, or raise sample_rate")
        if self.fmin >= fmax:
            yield Problem(f"{where}.fmin", f"{self.fmin:g}", f"must be below fmax, {fmax:g}", "write a lower one, or 0")
        if self.n_fft % 2:
            yield Problem(f"{where}.n_fft", str(self.n_fft), "must be even", f"write {self.n_fft + 1}")
        if self.hop_length > self.n_fft:
            allowed = f"must not be larger than n_fft, {self.n_fft}, or samples between two frames are left out"
            yield Problem(f"{where}.hop_length", str(self.hop_length), allowed, f"write {self.n_fft // 2}")
        samples = round(self.seconds * self.sample_rate)
        if samples < self.n_fft:
            allowed = f"is {samples} samples at this rate, fewer than one frame of n_fft, {self.n_fft}"
            yield Problem(f"{where}.seconds", f"{self.seconds:g}", allowed, "write more seconds, or a smaller n_fft")

    def _split_problems(self, where: str) -> Iterator[Problem]:
        """The split is made in one way, and by speakers or a column only from a table."""
        if self.table is None:
            for key in OF_TABLE:
                if key in self.model_fields_set:
                    allowed = "is for clips that a table names, and there is no table"
                    yield Problem(f"{where}.{key}", yaml_text(getattr(self, key)), allowed, "add table, or remove it")
        ways = ("splits", "test_speakers", "test_fraction")
        given = [way for way in ways if getattr(self, way) is not None]
        if self.table and len(given) != 1:
            allowed = f"needs one of {listed(ways)}, and has {' and '.join(given) or 'none'}"
            yield Problem(where, "", allowed, "write for example test_fraction: 0.2")
        if self.split_seed and self.test_fraction in (None, 1):
            allowed = "nothing is drawn without a test_fraction below 1"
            yield Problem(f"{where}.split_seed", str(self.split_seed), allowed, "remove it, or give test_fraction")
