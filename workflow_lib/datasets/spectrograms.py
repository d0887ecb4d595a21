"""Log-mel spectrograms of sounds, as images of one channel."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.optional import optional


def mel_filters(*, sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None) -> NDArray[np.float32]:
    """Weights (n_mels, 1 + n_fft // 2) of frequencies in mel bands, as librosa's: Slaney's scale, each band of area 1.

    A band is zero if it lies between two frequencies.
    """
    filters = optional("librosa.filters", "sound")
    with warnings.catch_warnings(action="ignore"):  # of empty bands
        weights: NDArray[np.float32] = filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    return weights


def log_mel(
    wave: NDArray[np.float32],
    filters: NDArray[np.float32],
    *,
    n_fft: int,
    hop_length: int,
    reference: str,
    top_db: float,
) -> NDArray[np.float32]:
    """A spectrogram (n_mels, 1 + n // hop_length) float32 in [0, 1]; the first row is the highest band.

    Frames are centred on the samples 0, hop_length, ... under a periodic Hann window; outside of the wave there is
    silence. The power is that of librosa's `melspectrogram`. The result is 1 + dB / top_db, cut to [0, 1], with dB
    relative to the reference.

    Args:
        wave: samples (n,) in [-1, 1]; not all zero if the reference is "max".
        filters: of `mel_filters`.
        n_fft: samples in a frame, an even number.
        hop_length: samples from a frame to the next one.
        reference: "max", the loudest point of this spectrogram; or "full_scale", a sine of amplitude 1 at a frequency
            of the transform, in the band with the largest weight.
        top_db: decibels from 0 to 1.
    """
    # librosa's own transform would be compiled for 15 seconds in each new environment.
    from scipy.fft import rfft
    from scipy.signal import get_window

    window = get_window("hann", n_fft).astype(np.float32)
    padded = np.pad(wave, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
    spectrum: NDArray[Any] = rfft(frames * window, axis=1)
    power = filters @ (np.abs(spectrum) ** 2).T
    loudest = power.max() if reference == "max" else (window.sum() / 2) ** 2 * filters.max()
    decibels = 10 * np.log10(np.maximum(power / loudest, 10 ** (-top_db / 10)))
    image: NDArray[np.float32] = np.clip(1 + decibels / top_db, 0, 1)[::-1].astype(np.float32)
    return image
