"""A job that the tests of the runner run."""

from workflow_lib.code.fingerprint import code_fingerprint
from workflow_lib.runner.job import parse

CODE = code_fingerprint("workflow_lib.steps.compute_kstar")


def job(*, spec='{"metric":"euclidean"}', code=CODE, output="results/kstar.zarr.zip", **options):
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    files = ["--features", "results/features.zarr.zip", "--kstar", output]
    return parse(["compute-kstar", *files, "--spec", spec, "--code", code, "--device", "cpu", *flags])
