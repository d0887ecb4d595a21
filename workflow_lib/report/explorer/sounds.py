"""Sounds of samples for the page, as MP3: the part of each file that the network hears."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workflow_lib.datasets.audio_clips import clips_in_folders, clips_of_table
from workflow_lib.datasets.waves import fitted, read_sound
from workflow_lib.optional import optional

RATES = (8000, 11025, 12000, 16000, 22050, 24000)
"""Samples per second that MP3 allows; of higher ones, the page keeps the highest of these."""
SECONDS = 10.0
"""Longer sounds are cut."""
COMPRESSION = 0.8
"""From 0 to 1; 8,000 samples a second become about 2.3 kB."""


class Sounds:
    """The sound files of a dataset.

    Args:
        spec: settings of a dataset with the source `audio`.

    Raises:
        UserError: its table or folders cannot be read.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        clips, _ = clips_of_table(spec) if spec["table"] else clips_in_folders(spec)
        self._files: dict[str, Path] = dict(zip(clips.ids, clips.files, strict=True))
        self._rate = max((rate for rate in RATES if rate <= spec["sample_rate"]), default=RATES[0])
        self._seconds, self._align = min(spec["seconds"], SECONDS), spec["align"]

    def mp3(self, name: str) -> bytes:
        """The sound of the sample of this name, without the silence that fills it up.

        Raises:
            UserError: its file is not there or cannot be read, or the extra `sound` is not installed.
        """
        sound = read_sound(self._files[name], seconds=self._seconds, align=self._align, may_be_silent=True)
        length = len(sound.wave) / sound.rate
        wave = fitted(sound, sample_rate=self._rate, seconds=length, align=self._align)
        file = io.BytesIO()
        optional("soundfile", "sound").write(
            file,
            np.clip(wave, -1, 1),
            self._rate,
            format="MP3",
            subtype="MPEG_LAYER_III",
            compression_level=COMPRESSION,
            bitrate_mode="CONSTANT",
        )
        return file.getvalue()
