"""Names that users write and that several modules share.

The config, the plan and messages use them. Kernels import them only for type checking, so adding a name does not make
a kernel run again. Sources, architectures and transforms have their own tables, with the details of each name.
"""

from typing import Final, Literal, get_args

Metric = Literal["euclidean", "cityblock", "chebyshev", "cosine"]
"""Distances between features."""
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)

MapMethod = Literal["tsne", "isomap", "pca", "umap"]
"""Methods of two-dimensional maps."""

Split = Literal["train", "test"]
"""Splits of a dataset of images."""
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

Skewness = Literal["anchored", "plain"]
"""How the skewness of k* is computed (docs/science.md 1.2)."""

ORIGINAL: Final = "original"
"""The transform that always exists and changes nothing."""
HEAD_INPUT: Final = "head_input"
"""The layer that every study of prototypes can name: the input of the linear layer that gives the logits."""
IMPORTED: Final = "imported"
"""Name of the split, layer and folder of features computed elsewhere; no model may have this name."""
BASELINE: Final = "baseline"
"""Replaces the pair's name for runs with unchanged labels; the first pair of a confusion study."""
CERTAIN: Final = 0.95
"""Share of resamples from which on a pattern counts as certain (docs/science.md 1.10)."""
