import io
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from explorer_cases import (
    CONFIG,
    FEATURES,
    IDS,
    LABELS,
    PLACE,
    config_of_sounds,
    contents_of,
    plan_in,
    write_prototypes,
    write_samples,
    write_sounds,
)
from PIL import Image

from workflow_lib.io import storage
from workflow_lib.report.explorer import fragment
from workflow_lib.report.explorer import kstar as kstar_data
from workflow_lib.report.explorer import samples as samples_data
from workflow_lib.report.explorer.blobs import Blobs, narrow
from workflow_lib.report.explorer.pictures import sheet
from workflow_lib.report.state import State

BUDGET = 2_000_000


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENT_ATLAS_CACHE", str(tmp_path / "cache"))
    write_samples(tmp_path)
    return tmp_path


def shown(plan, budget=BUDGET, outdated=()):
    return contents_of(fragment(plan, budget, outdated))


def points_of(contents):
    return {tuple(p["values"][d] for d in ("interval", "metric")): p for p in contents["studies"][0]["shown"]}


def test_a_point_has_the_numbers_of_its_store(project):
    contents, element = shown(plan_in(project))
    point, samples = points_of(contents)[100, "euclidean"], contents["samples"][0]
    assert element(samples["ids"]) == IDS
    assert element(samples["labels"]).tolist() == LABELS.tolist()
    # By hand: toy-7 is a square among the round ones, and the nearest square of each of them; only toy-0 has a round
    # one nearer to it. The other squares have each other, and then toy-2.
    assert element(point["kappa"]).tolist() == [2, 1, 1, 4, 4, 4, 4, 1]
    assert element(point["foreign"]).tolist() == [8, 8, 8, 3, 3, 3, 3, 2]  # counted from 1
    assert element(point["prediction"]).tolist() == [1, 1, 1, 2, 2, 2, 2, 1]
    assert element(point["piece"]).tolist() == [1, 2, 1, 2, 1, 2, 1, 2]
    assert point["sizes"] == [3, 5]
    assert element(point["suspects"]).tolist()[:4] == [1, 7, 2, 0]  # of equal kappa, the nearest to another class first
    assert element(point["doubtful"]).tolist() == [7]
    store = storage.load(Path("results/kstar", PLACE.format(interval=100), "euclidean.zarr.zip"))
    sizes = np.array(point["sizes"])[LABELS]
    np.testing.assert_array_equal(element(point["kappa"]) / sizes, store["kstar"])


def test_how_sure_the_network_is(project):
    contents, element = shown(plan_in(project))
    point = points_of(contents)[100, "euclidean"]
    expected = np.linspace(0.5, 1, 8)
    np.testing.assert_allclose((element(point["confidence"]) - 1.0) / kstar_data.PROBABILITY, expected, atol=1e-5)
    expected[7] = 0  # the only one that is not recognised
    np.testing.assert_allclose(
        (element(point["label_probability"]) - 1.0) / kstar_data.PROBABILITY, expected, atol=1e-5
    )


def test_results_of_before_have_no_confidence(project):
    path = Path("results/features", PLACE.format(interval=100) + ".zarr.zip")
    storage.save(storage.load(path).load().drop_vars(["confidence", "label_probability"]), path)
    assert "confidence" not in points_of(shown(plan_in(project))[0])[100, "euclidean"]


def pitch(content):
    """The loudest frequency of an MP3, in Hz, and its length in seconds."""
    sound, rate = pytest.importorskip("soundfile").read(io.BytesIO(content))
    return np.abs(np.fft.rfft(sound)).argmax() * rate / len(sound), len(sound) / rate


def sounds_of(contents, element):
    """MP3s by the place of their sample."""
    sounds = contents["samples"][0]["media"]["sounds"]
    sizes = element(sounds["sizes"]).astype(int)
    whole = b"".join(element(number).tobytes() for number in sounds["packs"])
    ends = np.cumsum(sizes)
    return {row: whole[end - size : end] for row, size, end in zip(element(sounds["rows"]), sizes, ends, strict=True)}


@pytest.fixture
def sounds(project):
    pytest.importorskip("soundfile", reason="needs the extra sound")
    pytest.importorskip("soxr", reason="needs the extra sound")
    write_sounds(project)
    return plan_in(project, config_of_sounds())


def test_every_sound_is_that_of_its_sample(sounds, monkeypatch):
    monkeypatch.setattr(samples_data, "PER_PACK", 3)
    contents, element = shown(sounds)
    assert contents["samples"][0]["media"]["kind"] == "audio"
    found = sounds_of(contents, element)
    assert sorted(found) == list(range(8))
    for row, content in found.items():
        hertz, seconds = pitch(content)
        assert hertz == pytest.approx(500 + 200 * int(row), abs=10)
        assert seconds == pytest.approx(0.5, abs=0.2)  # MP3 has whole frames


def test_only_the_most_suspicious_can_be_played_where_there_are_many(sounds, monkeypatch):
    monkeypatch.setattr(samples_data, "PLAYED", 2)
    assert sorted(sounds_of(*shown(sounds))) == [1, 7]


@pytest.mark.parametrize("lost", ["toy-1.wav", "clips.csv"])
def test_without_the_files_there_are_spectrograms_only(sounds, lost):
    Path("sounds", lost).unlink()
    media = shown(sounds)[0]["samples"][0]["media"]
    assert media["count"] == 8
    assert not media.get("sounds")


def test_neighbours_in_the_page(project):
    contents, element = shown(plan_in(project))
    near = points_of(contents)[100, "euclidean"]["near"]
    away = np.linalg.norm(FEATURES[:, None] - FEATURES, axis=2)
    np.fill_diagonal(away, np.inf)
    found = element(near["element"]).reshape(8, near["k"]).astype(int) - 1
    assert near["k"], near["count"] == (6, 8)
    np.testing.assert_array_equal(np.take_along_axis(away, found, axis=1), np.sort(away)[:, :6])


def test_only_the_most_suspicious_get_neighbours_where_all_take_too_long(project, monkeypatch):
    monkeypatch.setattr(kstar_data, "WORK", 3 * 8 * (60 + 2))  # three samples
    contents, element = shown(plan_in(project))
    near = points_of(contents)[100, "euclidean"]["near"]
    assert near["count"] == 3
    having = element(near["element"]).reshape(8, -1).any(axis=1)
    assert having[7]
    assert having.sum() == 3


def test_maps_made_here_are_principal_components(project):
    from sklearn.decomposition import PCA

    contents, element = shown(plan_in(project))
    (method,) = maps = points_of(contents)[100, "euclidean"]["maps"]
    assert method == "pca"
    xy = element(maps["pca"]).reshape(8, 2).astype(float)
    expected = PCA(2).fit_transform(FEATURES)
    for axis in range(2):
        assert abs(np.corrcoef(xy[:, axis], expected[:, axis])[0, 1]) > 0.99999
    assert xy.min() >= 1


def test_samples_without_kstar_keep_their_place(project):
    whole = Path("results/kstar", PLACE.format(interval=100), "euclidean.zarr.zip")
    store = storage.load(whole).load().isel(sample=slice(1, None))
    store["nearest_foreign"] = store["nearest_foreign"] - 1
    storage.save(store, whole.with_name("cosine.zarr.zip"))
    features = Path("results/features", PLACE.format(interval=100) + ".zarr.zip")
    zeroed = storage.load(features).load()
    zeroed["features"][0] = 0
    storage.save(zeroed, features)
    contents, element = shown(plan_in(project))
    point = points_of(contents)[100, "cosine"]
    assert element(point["kappa"]).tolist()[:2] == [0, 1]
    assert element(point["foreign"]).tolist() == [0, 8, 8, 3, 3, 3, 3, 2]
    near = element(point["near"]["element"]).reshape(8, -1)
    assert not near[0].any()
    assert 1 not in near  # the sample without a direction is nobody's neighbour


def test_a_part_of_many_samples(project, monkeypatch):
    monkeypatch.setattr(samples_data, "SHOWN", 4)
    contents, element = shown(plan_in(project))
    samples, point = contents["samples"][0], points_of(contents)[100, "euclidean"]
    assert (samples["count"], samples["of"]) == (4, 8)
    ids, store = (
        element(samples["ids"]),
        storage.load(Path("results/kstar", PLACE.format(interval=100), "euclidean.zarr.zip")),
    )
    rows = [IDS.index(name) for name in ids]
    assert element(point["kappa"]).tolist() == store["kappa"].values[rows].tolist()
    assert point["sizes"] == [3, 5]  # k* is among all samples
    foreign = [
        0 if (name := IDS[one]) not in ids else 1 + ids.index(name) for one in store["nearest_foreign"].values[rows]
    ]
    assert element(point["foreign"]).tolist() == foreign


def test_censored_samples(project):
    path = Path("results/kstar", PLACE.format(interval=100), "euclidean.zarr.zip")
    store = storage.load(path).load()
    store["censored"] = ("sample", np.arange(8) == 4)
    store["nearest_foreign"][4], store["nearest_foreign_distance"][4], store["piece"][:] = -1, np.nan, -1
    storage.save(store, path)
    contents, element = shown(plan_in(project))
    point = points_of(contents)[100, "euclidean"]
    assert element(point["censored"]).tolist() == [0, 0, 0, 0, 1, 0, 0, 0]
    assert element(point["foreign"])[4] == 0
    assert not element(point["piece"]).any()
    assert 4 not in element(point["suspects"])


def test_what_is_not_there_is_said(project):
    kept = str(Path("results/kstar", PLACE.format(interval=50), "euclidean.zarr.zip"))
    contents, _ = shown(plan_in(project))
    assert contents["studies"][0]["lost"] == {"not computed": 2}  # cosine
    contents, _ = shown(plan_in(project), outdated=[kept])
    assert contents["studies"][0]["lost"] == {"not computed": 2, "outdated": 1}
    Path(kept).write_bytes(b"no store")
    contents, _ = shown(plan_in(project))
    assert contents["studies"][0]["lost"] == {"not computed": 2, "damaged": 1}


def test_results_of_other_settings_are_outdated(project):
    import json

    from workflow_lib.plan.jobs import upstream

    plan = plan_in(project)
    path = Path("results/kstar", PLACE.format(interval=50), "euclidean.zarr.zip")
    (job,) = [job for job in upstream(plan, [str(path)]) if str(path) in job.makes]
    record = job.run(plan, "cpu")
    about = {
        "verb": job.verb,
        "spec": {"metric": "cityblock"},
        "code": record.code,
        "inputs": {},
        "key": "",
        "device": "cpu",
    }
    place = Path("results/provenance", path.relative_to("results")).with_suffix(".zip.json")
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({**about, "versions": {}}))
    html = fragment(plan, BUDGET, State(plan).outdated)  # the other interval is trained from this one: outdated, too
    assert "explorer-contents" not in html
    assert "outdated" in html


def test_nothing_to_show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fragment(plan_in(tmp_path), BUDGET, ()) == ""


def test_the_budget_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    count, rng = 2000, np.random.default_rng(0)
    labels = np.arange(count) % 2
    found = rng.integers(1, 1000, count), (np.arange(count) + 1) % count, rng.random(count)
    ids = [f"n{i}" for i in range(count)]
    write_samples(tmp_path, rng.random((count, 4), dtype="float32"), labels, ids=ids, found=found)
    write_prototypes(tmp_path)
    plan = plan_in(tmp_path)
    whole = fragment(plan, 10**7, ())
    code = len(whole.encode()) - len(contents_only(whole))
    for room in (-10_000, 10_000, 30_000, 90_000, 10**6):
        html = fragment(plan, code + room, ())
        assert len(html.encode()) <= code + room
    contents, _ = contents_of(html)
    assert contents["samples"][0]["media"]["count"] == count
    assert all(point["near"]["count"] == count for point in contents["studies"][0]["shown"])


def contents_only(html):
    """The elements with data."""
    return "".join(re.findall(r'<script type="(?:text/plain|application/json)".*?</script>', html, flags=re.DOTALL))


def test_texts_come_from_the_dataset_of_texts_by_their_ids(project, monkeypatch):
    texts = [f"text of {name}, " + 700 * "x" for name in reversed(IDS)]
    coords = {"sample": IDS[::-1], "text": ("sample", texts)}
    storage.save(xr.Dataset(coords=coords), Path("results/datasets/words/test.zarr.zip"))
    plan = plan_in(project)
    monkeypatch.setattr(plan, "parts", lambda dataset, split: [plan.path(f"datasets/words/{split}.zarr.zip")])
    contents, element = shown(plan)
    media = contents["samples"][0]["media"]
    assert (media["kind"], media["count"]) == ("text", 8)
    assert [text.partition(",")[0] for text in element(media["texts"])] == [f"text of {name}" for name in IDS]
    assert {len(text) for text in element(media["texts"])} == {600}


def test_imported_features(project):
    source = PLACE.format(interval=100)
    places = {"features": ("", f"{source}.zarr.zip"), "kstar": ("/euclidean", f"{source}/euclidean.zarr.zip")}
    for kind, (end, part) in places.items():
        for name in ("mine", "yours"):
            place = Path("results", kind, "imported", f"{name}{end}.zarr.zip")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(Path("results", kind, part).read_bytes())
    np.savez("mine.npz", features=FEATURES, labels=LABELS)
    config = """
    datasets: {mine: {source: features, path: mine.npz}, yours: {source: features, path: mine.npz}}
    kstar: {studies: {own: {features: [mine, yours], metric: [euclidean]}}}
    """
    contents, element = shown(plan_in(project, config))
    point, of_yours = contents["studies"][0]["shown"]
    assert (point["samples"], of_yours["samples"]) == (0, 1)
    assert contents["samples"][0]["media"] is None
    assert element(contents["samples"][0]["ids"]) == IDS
    assert element(point["kappa"]).tolist() == [2, 1, 1, 4, 4, 4, 4, 1]
    assert (list(point["maps"]), point["near"]["count"]) == (["pca"], 8)


def test_pictures_of_the_most_suspicious_come_first(tmp_path):
    count = 600
    made = samples_data.Samples(np.arange(count).astype(str), np.zeros(count, int), ["a"], images=Grey(count))
    made.wanted = [np.arange(count)[::-1], np.arange(100, 300)]
    blobs = Blobs(40_000)
    assert made.add(blobs, "toys")
    made.add_media(blobs, 40_000)
    media = made.entry["media"]
    assert 0 < media["count"] < count
    assert blobs.used <= 40_000
    _, element = contents_of(blobs.html + '<script id="explorer-contents">{}</script>')
    rows = element(media["rows"])
    assert rows[-1] == count - 1
    assert set(range(100, 200)) <= set(rows.tolist())  # of the second point
    assert 0 not in rows
    assert len(element(media["rows"])) >= media["count"]


class Grey:
    """Noisy images, as a stored split."""

    image_shape = (1, 8, 8)

    def __init__(self, count):
        self._images = np.random.default_rng(0).random((count, *self.image_shape), dtype="float32")

    def pixels(self, rows):
        return self._images[rows]


def test_texts_of_users_cannot_leave_their_place(project):
    hostile = "</script><img src=x onerror=alert(1)>&amp;"
    write_samples(project, names=(hostile, "square"), ids=[hostile, *IDS[1:]])
    html = fragment(plan_in(project, CONFIG.replace("How toys gather", hostile)), BUDGET, ())
    assert "onerror" not in re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL).replace(
        "\\u003cimg src=x onerror", ""
    )
    contents, element = contents_of(html)
    assert contents["studies"][0]["title"] == hostile
    assert contents["samples"][0]["classes"][0] == hostile
    assert element(contents["samples"][0]["ids"])[0] == hostile


def test_prototypes_have_the_numbers_of_their_stores(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_prototypes(tmp_path)
    contents, element = shown(plan_in(tmp_path))
    (study,) = contents["studies"]
    assert [one["values"]["interval"] for one in study["shown"]] == [100, 50]
    one = study["shown"][0]
    place = Path("results/dissimilarity/letters/net/seed-0/interval-100/initialisation-0/early.zarr.zip")
    store, tensors = storage.load(place), one["layers"]["early"]
    for name in "CR":
        np.testing.assert_array_equal(element(tensors[name]), store[name].values.astype("float32").ravel())
    # Image (0, 1) did not converge, and no image is compared with itself.
    c, r = store["C"].values, store["R"].values
    assert element(tensors["mean_C"])[1 * 3 + 1] == pytest.approx(c[1, 1, 2])  # not [1, 1, 0]: that is image (0, 1)
    assert element(tensors["mean_R"])[0 * 3 + 0] == pytest.approx(r[0, 0, 2])  # not [0, 0, 1]
    assert element(tensors["mean_C"])[2 * 3 + 0] == pytest.approx((c[2, 0, 0] + c[2, 0, 1]) / 2)
    assert element(tensors["mean_R"])[2 * 3 + 0] == pytest.approx((r[2, 0, 1] + r[2, 0, 2]) / 2)
    assert np.isnan(element(tensors["mean_C"])[1])
    assert element(one["converged"]).tolist() == [1, 0, 1, 1, 1, 1, 1, 1, 1]
    assert element(one["trajectory_step"]).tolist() == [1, 2, 3, 0] * 3


def test_a_window_of_many_classes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("workflow_lib.report.explorer.prototypes.WINDOW", 2)
    write_prototypes(tmp_path)
    contents, element = shown(plan_in(tmp_path))
    one = contents["studies"][0]["shown"][0]
    store = storage.load(Path("results/dissimilarity/letters/net/seed-0/interval-100/initialisation-0/early.zarr.zip"))
    assert (one["classes"], one["of"]) == (["round", "square"], 3)
    tensors = one["layers"]["early"]
    assert element(tensors["C"]).tolist() == store["C"].values[:2, :2, :2].astype("float32").ravel().tolist()
    assert element(tensors["mean_C"])[2] == pytest.approx(store["C"].values[1, 0, [0, 2]].mean())  # over all classes


def test_a_sheet_keeps_the_pixels_of_small_images():
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 6)) / np.float32(255)
    made = np.asarray(Image.open(io.BytesIO(sheet(images, columns=2))))
    assert made.shape == (24, 12, 3)
    for place, image in enumerate(images):
        top, left = 8 * (place // 2), 6 * (place % 2)
        np.testing.assert_array_equal(made[top : top + 8, left : left + 6, 0], np.rint(255 * image[0]))


def test_large_images_become_small_and_colours_stay():
    images = np.zeros((1, 3, 200, 100), "float32")
    images[:, 0] = 1
    made = np.asarray(Image.open(io.BytesIO(sheet(images, columns=1))))
    assert made.shape == (64, 32, 3)
    assert np.abs(made[30, 15].astype(int) - [255, 0, 0]).max() < 10


def test_equal_data_is_kept_once_and_what_does_not_fit_not_at_all():
    blobs = Blobs(700)
    assert blobs.add(narrow([1, 2, 3]), narrow([1, 2, 3])) == [0, 0]
    assert blobs.add(np.random.default_rng(0).integers(0, 255, 999, np.uint8)) is None
    assert blobs.add(narrow([1, 2, 3])) == [0]
    assert blobs.html.count("<script") == 1


def test_negative_numbers_are_refused():
    with pytest.raises(ValueError, match="from 0 on"):
        narrow([1, -1])


def test_the_vendored_library_is_the_one_in_its_build():
    assets = Path(kstar_data.__file__).parent / "assets"
    import json

    wanted = json.loads((assets / "build/package.json").read_text())["devDependencies"]
    text = (assets / "regl-scatterplot.min.js").read_text()
    for name in ("regl-scatterplot", "regl", "pub-sub-es"):
        assert f"\n{name} {wanted[name]}, MIT" in text
    assert "</script" not in text
