"""Features that the user brings along, as the artifact that extracted features have."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.datasets.imported import read_imported, write_imported
from workflow_lib.steps.roles import Output


def import_features(*, spec: Mapping[str, Any], features: Output) -> None:
    """Write the features and labels of the file that `spec` names."""
    write_imported(read_imported(spec), features)
