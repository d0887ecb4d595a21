"""Sound files as waves of one channel, one rate and one length."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workflow_lib.errors import Problem, UserError
from workflow_lib.optional import optional

REPAIR = "replace the file, or take it out of the data set"


class Sound(NamedTuple):
    """The part of a sound file that is used.

    Attributes:
        file: the file.
        wave: (n,) float32, the mean of the channels; at most as long as asked for.
        rate: samples per second.
        channels: number of channels in the file.
        seconds: length of the whole file.
        is_short: whether the file has fewer samples than its header says, as after a download that stopped.
    """

    file: Path
    wave: NDArray[np.float32]
    rate: int
    channels: int
    seconds: float
    is_short: bool


def read_sound(file: Path, *, seconds: float, align: str, may_be_silent: bool) -> Sound:
    """Read at most `seconds` of a sound file in any format of libsndfile: from its start, or around its centre.

    Raises:
        UserError: the file is not there, no sound, or damaged; it has no samples, or some that are not finite; or all
            that are read are zero, and that is not allowed.
    """
    if not file.is_file():
        raise UserError(Problem(str(file), "", "there is no such file", "put it there, or take it out of the data set"))
    soundfile = optional("soundfile", "sound")
    try:
        with soundfile.SoundFile(file) as sound:
            rate, frames = sound.samplerate, sound.frames
            wanted = round(seconds * rate)
            start = max(0, frames - wanted) // 2 if align == "centre" else 0
            sound.seek(start)
            data: NDArray[np.float32] = sound.read(wanted, dtype="float32", always_2d=True)
            is_short = len(data) < min(wanted, frames) or "should be" in sound.extra_info
    except Exception as error:  # libsndfile's errors, and those of the file system
        found = f"{type(error).__name__}: {getattr(error, 'error_string', error)}"
        raise UserError(Problem(str(file), found, "the sound cannot be read", REPAIR)) from error
    if not len(data):
        raise UserError(Problem(str(file), "", "the sound has no samples", REPAIR))
    if not np.isfinite(data).all():
        raise UserError(Problem(str(file), "", "some samples are not finite", REPAIR))
    wave = data.mean(axis=1)
    if not (wave.any() or may_be_silent):
        allowed = "all samples that are used are zero, so there is no loudest point, which reference: max needs"
        raise UserError(Problem(str(file), "", allowed, f"{REPAIR}, or write reference: full_scale"))
    return Sound(file, wave, rate, data.shape[1], frames / rate, is_short)


def fitted(sound: Sound, *, sample_rate: int, seconds: float, align: str) -> NDArray[np.float32]:
    """The wave of a sound at this rate, padded with zeros to this length: at its end, or equally at both ends."""
    soxr = optional("soxr", "sound")
    wave: NDArray[Any] = sound.wave
    if sound.rate != sample_rate:
        wave = soxr.resample(wave, sound.rate, sample_rate)
    count = round(seconds * sample_rate)
    wave = wave[:count]
    before = (count - len(wave)) // 2 if align == "centre" else 0
    return np.pad(wave, (before, count - len(wave) - before))
