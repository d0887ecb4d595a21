"""k* distributions, dissimilarities of prototypes and statistics of confusion for your own arrays.

`pip install .` in a clone of the project is enough: NumPy, SciPy, pandas and numba. The workflow calls the same
functions. Bad input raises `UserError`, a `ValueError` that says what is wrong and what to do.
"""

from latent_atlas.classes import kstar_report
from workflow_lib.dissimilarity.cosine import tensors
from workflow_lib.dissimilarity.measures import Quality, quality
from workflow_lib.errors import UserError
from workflow_lib.kstar.exact import KStarResult, kstar, neighbourhood
from workflow_lib.kstar.summary import summarize, summarize_pieces
from workflow_lib.kstar.uncertainty import bootstrap
from workflow_lib.statistics import Paired, Welch, benjamini_hochberg, kl_bits, paired, welch

__all__ = [
    "KStarResult",
    "Paired",
    "Quality",
    "UserError",
    "Welch",
    "benjamini_hochberg",
    "bootstrap",
    "kl_bits",
    "kstar",
    "kstar_report",
    "neighbourhood",
    "paired",
    "quality",
    "summarize",
    "summarize_pieces",
    "tensors",
    "welch",
]
