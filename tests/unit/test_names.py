"""Each name that users write is known to the config and to its code: a forgotten table fails here."""

import subprocess
import sys
from typing import get_args

import pytest

from workflow_lib import names
from workflow_lib.config.datasets import Dataset
from workflow_lib.config.transforms import AnyTransform
from workflow_lib.datasets.sources import READERS
from workflow_lib.features.attacks import ATTACKS
from workflow_lib.features.transforms import KINDS
from workflow_lib.kstar import metrics, projections


def chosen(union, key):
    """Values of the key by which the sections of a union are told apart."""
    sections = get_args(get_args(union)[0])
    return [value for section in sections for value in get_args(section.model_fields[key].annotation)]


def test_every_metric_has_a_distance():
    assert tuple(metrics.METRICS) == names.METRICS


def test_every_method_of_maps_has_a_kernel():
    assert tuple(projections.METHODS) == get_args(names.MapMethod)


def test_every_source_of_images_has_a_reader():
    others = {"features", "union", "transformed", "encoded"}  # no images; made of other datasets
    assert sorted(READERS) == sorted(set(chosen(Dataset, "source")) - others)


def test_every_kind_of_transform_has_a_kernel():
    assert [*KINDS, *ATTACKS] == chosen(AnyTransform, "kind")


@pytest.mark.parametrize("module", ["names", "errors", "models.architectures"])
def test_light_modules_import_nothing_heavy(module):
    heavy = "{'numpy', 'torch', 'pydantic', 'pandas', 'numba'}"
    code = f"import sys, workflow_lib.{module}; sys.exit(', '.join({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).stderr == b"\n"
