"""Sounds as spectrograms."""

import sys

import numpy as np
import pandas as pd
import pytest

from workflow_lib.config.datasets_audio import Audio
from workflow_lib.datasets.sources import load
from workflow_lib.datasets.spectrograms import log_mel, mel_filters
from workflow_lib.datasets.waves import fitted, read_sound
from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.steps.prepare_dataset import prepare_dataset

soundfile = pytest.importorskip("soundfile", reason="needs the extra sound")
librosa = pytest.importorskip("librosa", reason="needs the extra sound")

RATE, FRAME, HOP = 8000, 256, 128
SETTINGS = {"sample_rate": RATE, "n_fft": FRAME, "hop_length": HOP, "n_mels": 20, "seconds": 0.5}


def sine(hertz, seconds=0.5, rate=RATE, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def image(wave, reference="max", top_db=80.0, n_mels=20, n_fft=FRAME, hop_length=HOP, rate=RATE, fmax=None):
    filters = mel_filters(sample_rate=rate, n_fft=n_fft, n_mels=n_mels, fmin=0.0, fmax=fmax)
    return log_mel(wave, filters, n_fft=n_fft, hop_length=hop_length, reference=reference, top_db=top_db)


def save(path, wave, rate=RATE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate, **options)
    return path


@pytest.fixture
def clips(tmp_path):
    """Two classes, three speakers, two clips of each; clips.csv says which."""
    rows = []
    for label, hertz in (("high", 2000), ("low", 500)):
        for speaker in ("ann", "ben", "cat"):
            for number in range(2):
                path = f"{label}/{speaker}_{number}.wav"
                save(tmp_path / path, sine(hertz + 10 * number))
                rows.append({"path": path, "label": label, "speaker": speaker, "split": ("train", "test")[number]})
    pd.DataFrame(rows).to_csv(tmp_path / "clips.csv", index=False)
    return tmp_path


def spec_of(root, **keys):
    return Audio(source="audio", root=str(root), **(SETTINGS | keys)).model_dump(mode="json")


def of_table(root, **keys):
    return spec_of(root, **({"table": f"{root}/clips.csv", "test_speakers": ("cat",)} | keys))


def edited(root, change):
    table = change(pd.read_csv(root / "clips.csv", dtype=str, keep_default_na=False))
    table.to_csv(root / "clips.csv", index=False)


def error_of(spec):
    with pytest.raises(UserError) as caught:
        load(spec)
    return str(caught.value)


def test_a_tone_is_a_bright_row():
    # 1000 Hz is 15 mel on Slaney's scale; 20 bands from 0 to 4000 Hz (15 + 27 ln 4 / ln 6.4 = 35.16 mel) have their
    # centres every 35.16 / 21 = 1.674 mel, so the nearest is the ninth, at 15.07 mel: row 11 from the top.
    pixels = image(sine(1000))
    assert pixels.shape == (20, 1 + 4000 // HOP)
    assert pixels.dtype == np.float32
    assert (pixels[:, 2:-2].argmax(axis=0) == 20 - 9).all()
    assert image(sine(3000))[:, 5].argmax() < 11 < image(sine(300))[:, 5].argmax()


def test_pixels_are_decibels():
    loud, quiet = sine(1000, amplitude=0.8), sine(1000, amplitude=0.08)  # 20 dB less
    pixels = image(np.concatenate([loud, quiet, np.zeros(4000, np.float32)]), top_db=80.0)
    row = pixels[20 - 9]
    assert row[10] == pytest.approx(1, abs=1e-3)
    assert row[10] - row[45] == pytest.approx(20 / 80, abs=1e-3)
    assert row[80] == 0
    assert pixels.max() == 1


def test_loudness_counts_for_full_scale_only():
    half, quarter = sine(1000, amplitude=0.02), sine(1000, amplitude=0.01)  # 6.02 dB less
    np.testing.assert_allclose(image(half), image(quarter), atol=1e-5)
    difference = image(half, "full_scale") - image(quarter, "full_scale")
    assert difference[20 - 9, 10] == pytest.approx(20 * np.log10(2) / 80, abs=1e-5)
    assert 0.9 < image(sine(1000, amplitude=1), "full_scale").max() <= 1


@pytest.mark.slow  # librosa's own transform is compiled for 15 seconds
def test_levels_are_those_of_librosa():
    for rate, n_fft, hop_length, n_mels, fmax in ((16000, 400, 160, 80, None), (22050, 2048, 512, 128, 8000.0)):
        wave = np.random.default_rng(0).normal(size=rate).astype(np.float32)
        keys = {"n_fft": n_fft, "hop_length": hop_length, "n_mels": n_mels, "fmax": fmax}
        power = librosa.feature.melspectrogram(y=wave, sr=rate, **keys)
        theirs = librosa.power_to_db(power, ref=np.max, top_db=60)[::-1]
        np.testing.assert_allclose(image(wave, top_db=60, rate=rate, **keys), 1 + theirs / 60, atol=1e-6)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "caf"])
def test_formats(tmp_path, suffix):
    sound = read_sound(save(tmp_path / f"a.{suffix}", sine(500)), seconds=0.5, align="start", may_be_silent=False)
    assert len(sound.wave) == 4000
    assert np.corrcoef(sound.wave[500:-500], sine(500)[500:-500])[0, 1] > 0.99


def test_rates_and_channels_become_one(tmp_path):
    both = np.stack([sine(500, rate=44100, amplitude=0.5), sine(500, rate=44100, amplitude=0.3)], axis=1)
    file = save(tmp_path / "a.wav", both, 44100, subtype="FLOAT")
    sound = read_sound(file, seconds=1, align="start", may_be_silent=False)
    assert (sound.rate, sound.channels, sound.seconds, sound.is_short) == (44100, 2, 0.5, False)
    wave = fitted(sound, sample_rate=RATE, seconds=1, align="start")
    np.testing.assert_allclose(wave[200:3800], sine(500, amplitude=0.4)[200:3800], atol=1e-3)
    assert not wave[4000:].any()


def test_clips_are_cut_and_padded(tmp_path):
    file = save(tmp_path / "a.wav", np.array([1, 2, 3, 4, 5, 6], np.float32) / 8, 1000, subtype="FLOAT")
    for align, long, short in (
        ("start", [1, 2, 3, 4], [*range(1, 7), 0, 0]),
        ("centre", [2, 3, 4, 5], [0, *range(1, 7), 0]),
    ):
        for seconds, expected in ((0.004, long), (0.008, short)):
            sound = read_sound(file, seconds=seconds, align=align, may_be_silent=False)
            wave = fitted(sound, sample_rate=1000, seconds=seconds, align=align)
            assert (8 * wave).tolist() == expected


def test_test_speakers_are_unseen(clips):
    splits = load(of_table(clips, test_speakers=("cat", "ben")))
    assert splits["train"].ids.tolist() == [f"{label}/ann_{n}.wav" for label in ("high", "low") for n in range(2)]
    assert len(splits["test"]) == 8
    assert splits["test"].class_names == ("high", "low")
    assert splits["test"].labels.tolist() == [0] * 4 + [1] * 4
    one = splits["test"].read(np.array([5]))
    assert one.shape == (1, 1, 20, 32)
    np.testing.assert_allclose(one[0, 0], image(soundfile.read(clips / "low/ben_1.wav", dtype="float32")[0]))


def test_splits_of_a_column_and_by_a_share(clips):
    by_column = load(of_table(clips, test_speakers=None, splits="split"))
    assert by_column["test"].ids.tolist() == [f"{c}/{s}_1.wav" for c in ("high", "low") for s in ("ann", "ben", "cat")]
    drawn = load(of_table(clips, test_speakers=None, test_fraction=1 / 3))
    assert np.bincount(drawn["test"].labels).tolist() == [2, 2]
    assert drawn["test"].ids.tolist() == load(spec_of(clips, test_fraction=1 / 3))["test"].ids.tolist()
    assert len(load(spec_of(clips, test_fraction=1))["train"]) == 0


def test_folders_of_splits(clips):
    for part in ("train", "test"):
        (clips / "parts").mkdir(exist_ok=True)
        for label in ("high", "low"):
            save(clips / f"parts/{part}/{label}/one.wav", sine(500))
    splits = load(spec_of(clips / "parts"))
    assert splits["test"].ids.tolist() == ["test/high/one.wav", "test/low/one.wav"]
    assert splits["train"].labels.tolist() == [0, 1]


def test_tables_are_text(clips):
    edited(
        clips,
        lambda t: (
            t.replace({"low": "NA", "high": "007"})
            .rename(columns={"path": "file", "split": "name"})
            .assign(name=range(12))
        ),
    )
    keys = {"paths": "file", "ids": "name", "speakers": "speaker"}
    split = load(of_table(clips, **keys))["test"]
    assert split.class_names == ("007", "NA")
    assert split.ids.tolist() == ["4", "5", "10", "11"]
    table = pd.read_csv(clips / "clips.csv", dtype=str, keep_default_na=False)
    table.astype({"name": int}).to_parquet(clips / "clips.parquet")
    again = load(of_table(clips, table=f"{clips}/clips.parquet", **keys))["test"]
    assert (again.class_names, again.ids.tolist()) == (split.class_names, split.ids.tolist())
    kept = load(of_table(clips, **keys, classes=("NA", "007")))["test"]
    assert (kept.class_names, kept.labels.tolist()) == (("NA", "007"), [1, 1, 0, 0])


def test_classes_that_are_left_out_are_not_read(clips):
    (clips / "low/ann_0.wav").write_text("no sound")
    save(clips / "mid/ann_0.wav", sine(1000))
    edited(clips, lambda t: pd.concat([t, pd.DataFrame([{"path": "mid/ann_0.wav", "label": "mid", "speaker": "ann"}])]))
    assert load(of_table(clips, classes=("mid", "high")))["train"].labels.tolist() == [1, 1, 1, 1, 0]
    assert "low/ann_0.wav" in error_of(of_table(clips))


def test_what_is_done_to_clips_is_counted_and_stored(clips, tmp_path, capsys):
    save(clips / "low/ann_0.wav", np.stack([sine(500, 2, 16000)] * 2, axis=1), 16000)
    save(clips / "low/ann_1.wav", sine(500, 0.25))
    (clips / "low/ben_0.wav").write_bytes((clips / "low/ben_0.wav").read_bytes()[:6000])
    prepare_dataset(spec=of_table(clips), train=tmp_path / "train.zarr.zip", test=tmp_path / "test.zarr.zip")
    said = capsys.readouterr().err
    for words in (
        "1 clip of 16000 Hz resampled to 8000 Hz: ann_0.wav",
        "1 clip of up to 2 channels averaged: ann_0.wav",
        "1 clip of up to 2.00 s cut to 0.5 s: ann_0.wav",
        "2 clips of 0.25 s or more padded to 0.5 s: ann_1.wav, ben_0.wav",
        "1 clip shorter than the header of the file says: ben_0.wav",
    ):
        assert f"{clips}: {words}" in said
    stored = storage.load(tmp_path / "train.zarr.zip")
    assert stored.attrs["cut"] == "1 clip of up to 2.00 s cut to 0.5 s: ann_0.wav"
    assert stored["image"].attrs["scale"].startswith("float: 0 is -80 dB and below, 1 is 0 dB")
    assert stored["image"].shape == (8, 1, 20, 32)


def test_all_unusable_files_are_named(clips):
    (clips / "low/ann_0.wav").write_text("no sound")
    (clips / "low/ann_1.wav").unlink()
    save(clips / "high/ann_0.wav", np.zeros(0))
    save(clips / "high/ann_1.wav", np.zeros(100))
    save(clips / "high/ben_0.wav", np.array([0.5, np.nan]), subtype="FLOAT")
    said = error_of(of_table(clips))
    assert "5 problems" in said
    assert f"{clips}/low/ann_0.wav: LibsndfileError: Format not recognised.\n    the sound cannot be read" in said
    assert f"{clips}/low/ann_1.wav\n    there is no such file" in said
    assert f"{clips}/high/ann_0.wav\n    the sound has no samples" in said
    assert f"{clips}/high/ann_1.wav\n    all samples that are used are zero" in said
    assert f"{clips}/high/ben_0.wav\n    some samples are not finite" in said
    assert "4 problems" in error_of(of_table(clips, reference="full_scale"))


def test_all_gaps_of_a_table_are_named(clips):
    def damage(table):
        table.loc[0, "label"] = ""
        table.loc[1, "speaker"] = " "
        table.loc[2, "path"] = ""
        return pd.concat([table, table.tail(1).assign(path="./low/cat_1.wav")])

    edited(clips, damage)
    (clips / "low/ann_0.wav").write_text("no sound")
    said = error_of(of_table(clips, test_speakers=("cat", "catt")))
    assert "6 problems" in said
    assert "clips.csv: 1 row: high/ann_0.wav\n    the column label is empty there" in said
    assert "clips.csv: 1 row: high/ann_1.wav\n    the column speaker is empty there" in said
    assert "clips.csv: 1 row: row 2\n    the column path is empty there" in said
    assert "clips.csv: low/cat_1.wav\n    these files are listed more than once" in said
    assert 'test_speakers: "catt"\n    is not a speaker; there are: ann, ben, cat\n    -> write cat' in said
    assert "low/ann_0.wav" in said


def test_further_mistakes_in_tables(clips):
    assert "are all speakers" in error_of(of_table(clips, test_speakers=("ann", "ben", "cat")))
    assert "the file has label, path, speaker, split" in error_of(of_table(clips, labels="class"))
    edited(clips, lambda t: t.assign(split=["train", "valid"] * 6))
    assert "clips.csv: valid\n    a split is train or test" in error_of(
        of_table(clips, test_speakers=None, splits="split")
    )
    edited(clips, lambda t: t.assign(path=["../a.wav", "/b.wav", ".c/d.wav", *t["path"][3:]]))
    said = error_of(of_table(clips))
    assert "../a.wav, /b.wav, .c/d.wav\n    these files are hidden or not below root" in said
    (clips / "clips.csv").write_text("path,label,speaker\na.wav,yes, please,ann\n")
    assert "clips.csv: line 2 has 4 values\n    the first line names 3 columns" in error_of(of_table(clips))
    (clips / "clips.csv").write_text("")
    assert "the first line names no columns" in error_of(of_table(clips))


def test_mistakes_in_folders(clips, capsys):
    (clips / "low/song.m4a").write_text("x")
    (clips / "low/notes.txt").write_text("x")
    said = error_of(spec_of(clips, test_fraction=0.5))
    assert "song.m4a\n    sounds of this kind are not read" in said
    assert "left out 2 files, no sounds or in no class folder" in capsys.readouterr().err
    assert "has no class folders\n    -> make one folder of sounds per class there" in error_of(
        spec_of(clips / "low", test_fraction=0.5)
    )


def test_jobs_in_another_environment_name_the_extra(clips, monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa.filters", None)
    assert "librosa\n    is not installed where this job runs\n    -> pip install" in error_of(of_table(clips))


def test_bands_without_a_frequency(clips):
    said = error_of(of_table(clips, n_mels=200))
    assert "n_mels: 200\n    " in said
    assert "would always be empty" in said
