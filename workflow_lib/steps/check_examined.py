"""Check of a dataset on which a model is examined, before the model is trained."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workflow_lib.datasets.artifact import open_split
from workflow_lib.datasets.union import shape_text
from workflow_lib.errors import Problem, UserError
from workflow_lib.io.storage import write_table
from workflow_lib.steps.roles import Input, Output


def check_examined(*, spec: Mapping[str, Any], own: Input, examined: Input, classes: Output) -> None:
    """Compare an examined dataset with the model's own one, and write a table of its classes.

    Args:
        spec: model and dataset (their names).
        own: a split of the model's dataset.
        examined: a split of the examined dataset.
        classes: the table: class_name, and shared (whether the model's dataset has a class of this name).

    Raises:
        UserError: the images have another shape.
    """
    ours, theirs = open_split(own), open_split(examined)
    if theirs.image_shape != ours.image_shape:
        found, wanted = shape_text(theirs.image_shape), shape_text(ours.image_shape)
        allowed = f"has images of {found}, but the network takes those of the model's dataset: {wanted}"
        repair = "prepare this dataset with images of the same shape, as with image_size"
        raise UserError(Problem(f"models.{spec['model']}.examine", spec["dataset"], allowed, repair))
    shared = [name in ours.class_names for name in theirs.class_names]
    write_table(pd.DataFrame({"class_name": theirs.class_names, "shared": shared}), classes)
