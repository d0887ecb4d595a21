"""Orphans: what the plan no longer names, all of it and nothing else."""

import os
from pathlib import Path

import pytest
import yaml

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config.load import load
from workflow_lib.errors import UserError
from workflow_lib.plan import orphans
from workflow_lib.plan.jobs import all_jobs
from workflow_lib.plan.plan import Plan

MINIATURE = Path(__file__).parents[2] / "configs" / "miniature.yaml"


def planned(change=lambda raw: None):
    raw = yaml.safe_load(MINIATURE.read_text()) | {"results": "results"}
    change(raw)
    return Plan(load(raw), DigestMemory(Path("digests")))


def one_seed():
    return planned(lambda raw: raw["models"]["digits_cnn"].update(seeds=[0]))


def write(path, content="content"):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def paths(*plans):
    return {str(orphan.path) for orphan in orphans.orphans(plans)}


def everything():
    return {path for path in Path("results").rglob("*") if path.is_file()}


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A working directory with every file that the jobs of the miniature leave."""
    monkeypatch.chdir(tmp_path)
    for job in all_jobs(planned()):
        for path in job.makes:
            write(path)
            write(f"results/provenance/{path.removeprefix('results/')}.json", "{}")
        write(f"results/logs/{job.name}.log")
        write(f"results/benchmarks/{job.name}.tsv")
    return tmp_path


def test_a_finished_plan_has_no_orphans(finished):
    assert everything()
    assert paths(planned()) == set()
    assert "No orphans" in orphans.describe([])


def test_a_seed_less_leaves_what_was_made_for_it(finished):
    found = paths(one_seed())
    assert found == {str(path) for path in everything() if "seed-1" in str(path)}
    kinds = {path.split("/")[1] for path in found}
    assert kinds == {"checkpoints", "features", "kstar", "provenance", "logs", "benchmarks"}


def test_a_study_less_leaves_its_folder(finished):
    found = paths(planned(lambda raw: raw["kstar"]["studies"].pop("metrics")))
    assert "results/studies/kstar/metrics/classes.csv" in found
    assert "results/logs/draw_maps/metrics.log" in found
    assert not any("/training/" in path for path in found)


def test_what_any_of_several_configs_names_is_kept(finished):
    assert paths(one_seed(), planned()) == set()


def test_datasets_that_no_study_uses_are_part_of_the_plan(finished):
    write("results/datasets/spare/train.zarr.zip")
    assert paths(planned()) == {"results/datasets/spare/train.zarr.zip"}
    assert paths(planned(lambda raw: raw["datasets"].update(spare={"source": "digits"}))) == set()


def test_removing_takes_orphans_and_their_empty_folders_and_nothing_else(finished):
    kept = {path for path in everything() if "seed-1" not in str(path)}
    outside = [write("results/report.html"), write("results/.cache/objects/ab/c"), write("results/mine/notes.txt")]
    elsewhere = write("seed-1/notes.txt")
    found = orphans.orphans([one_seed()])
    assert everything() == kept | {orphan.path for orphan in found} | set(outside), "listing removes nothing"
    orphans.remove(found)
    assert everything() == kept | set(outside)
    assert elsewhere.exists()
    assert not list(Path("results").rglob("seed-1"))
    assert Path("results/checkpoints/digits_cnn/seed-0").is_dir()
    assert orphans.orphans([one_seed()]) == []


def test_links_are_neither_followed_nor_touched(finished):
    target = write("elsewhere/old/data.zarr.zip")
    Path("results/kstar/linked").symlink_to(target.parent.absolute())
    Path("results/features/linked.zarr.zip").symlink_to(target.absolute())
    Path("results/maps").rename("maps")
    Path("results/maps").symlink_to(Path("maps").absolute())
    write("maps/old.parquet")
    assert paths(planned()) == set()
    orphans.remove(orphans.orphans([planned()]))
    assert target.exists()
    assert Path("maps/old.parquet").exists()
    assert Path("results/kstar/linked").is_symlink()


def test_scratch_is_an_orphan_when_it_is_too_old_to_be_in_work(finished):
    scratch = write("results/kstar/.euclidean.zarr.zip.abc/euclidean.zarr.zip")
    assert paths(planned()) == set()
    os.utime(scratch, (1, 1))
    assert paths(planned()) == {str(scratch)}
    orphans.remove(orphans.orphans([planned()]))
    assert not scratch.parent.exists()


def test_sizes_are_shown_with_their_sum(finished):
    write("results/kstar/old.zarr.zip", "x" * 1500)
    write("results/logs/compute_kstar/old.log", "x" * 500)
    text = orphans.describe(orphans.orphans([planned()]))
    assert [line.split() for line in text.splitlines()] == [
        ["1.5", "kB", "results/kstar/old.zarr.zip"],
        ["500", "B", "1", "records,", "logs", "and", "benchmarks"],
        ["2.0", "kB", "in", "all"],
    ]


def test_what_cannot_be_removed_is_named_and_the_rest_is_gone(finished, monkeypatch):
    held, free = write("results/kstar/held.zarr.zip"), write("results/kstar/old.zarr.zip")
    unlink = Path.unlink

    def refuse(path, missing_ok=False):
        if path == held:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(UserError, match="held.zarr.zip"):
        orphans.remove(orphans.orphans([planned()]))
    assert held.exists()
    assert not free.exists()
