"""Environments for conda, Docker and Apptainer, from pyproject.toml and constraints.txt."""

import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHON = "3.12"
NOTE = "# Written by `python -m workflow_lib.config.generate` from pyproject.toml and constraints.txt; do not edit.\n"

CONDA = """\
# For `snakemake --sdm conda`, whose jobs import workflow_lib from the working directory.
name: latent-atlas
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python={python}
  - pip
  - pip:
{pins}
"""

DOCKER = """\
# docker build -t latent-atlas .
# docker run --rm -v "$PWD:/study" latent-atlas snakemake          (--gpus all for GPUs)
FROM python:{python}-slim
RUN apt-get update && apt-get install -y --no-install-recommends git libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/latent-atlas
COPY pyproject.toml constraints.txt README.md ./
COPY latent_atlas latent_atlas
COPY snakemake_logger_plugin_latent_atlas snakemake_logger_plugin_latent_atlas
COPY workflow_lib workflow_lib
{install}
ENV NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /study
"""

APPTAINER = """\
# apptainer build latent-atlas.sif apptainer.def
# apptainer exec latent-atlas.sif snakemake          (--nv for GPUs)
Bootstrap: docker
From: python:{python}-slim

%files
    pyproject.toml /opt/latent-atlas/pyproject.toml
    constraints.txt /opt/latent-atlas/constraints.txt
    README.md /opt/latent-atlas/README.md
    latent_atlas /opt/latent-atlas/latent_atlas
    snakemake_logger_plugin_latent_atlas /opt/latent-atlas/snakemake_logger_plugin_latent_atlas
    workflow_lib /opt/latent-atlas/workflow_lib

%post
    apt-get update && apt-get install -y --no-install-recommends git libgomp1 && rm -rf /var/lib/apt/lists/*
    cd /opt/latent-atlas
    {install}

%environment
    export NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib
"""

INSTALL = "python -m pip install --no-cache-dir --constraint constraints.txt --editable '.[workflow,slurm]'"


def environments(root: Path) -> dict[str, str]:
    """Text of each generated file, by path.

    Raises:
        KeyError: a required package is not pinned.
        PackageNotFoundError: a required package is not installed, so its requirements are unknown.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    pins = pinned(root / "constraints.txt")
    needed = closure([*project["dependencies"], *extras["workflow"], *extras["slurm"]], pins)
    lines = "\n".join(f"      - {pins[name]}" for name in sorted(needed))
    return {
        "environment.yaml": NOTE + CONDA.format(python=PYTHON, pins=lines),
        "Dockerfile": NOTE + DOCKER.format(python=PYTHON, install=f"RUN {INSTALL}"),
        "apptainer.def": NOTE + APPTAINER.format(python=PYTHON, install=INSTALL),
    }


def pinned(constraints: Path) -> dict[str, str]:
    """`name==version` of each pinned package, by canonical name."""
    lines = [line.strip() for line in constraints.read_text("utf-8").splitlines()]
    return {canonicalize_name(line.partition("==")[0]): line for line in lines if line and not line.startswith("#")}


def closure(requirements: Iterable[str], pins: dict[str, str]) -> set[str]:
    """Canonical names of these packages and of all their requirements, direct and indirect.

    Packages that are not pinned, such as the CUDA libraries of some builds of torch, are left out.
    """
    found: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    direct = {canonicalize_name(requirement.name) for requirement in waiting}
    if missing := sorted(direct - set(pins)):
        raise KeyError(f"not pinned in constraints.txt: {', '.join(missing)}")
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found or name not in pins:
            continue
        found.add(name)
        for text in _needs(name):
            need = Requirement(text)
            if need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)
            ):
                waiting.append(need)
    return found


def _needs(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        raise PackageNotFoundError(
            f"{name}: install it first, pip install -c constraints.txt -e '.[workflow,slurm]'"
        ) from None
