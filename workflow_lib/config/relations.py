"""Section `relations`: what k*, prototypes and confusion say about each pair of classes, and how far they agree."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from workflow_lib.config.fields import Count, Name, Percent, Section, Text, example
from workflow_lib.errors import Problem
from workflow_lib.names import Metric

PARTS = ("kstar", "prototypes", "confusion")
"""Keys of a study that name a study of another section."""
CHOICES = ("model", "interval", "layer", "metric")
"""Keys of a study that choose a point of these."""


class RelationStudy(Section):
    """All pairs of classes of a data set, measured by two or three methods, and rank correlations of these measures."""

    model_config = example(
        title="Which digits are alike, and which depend on each other",
        kstar="training",
        prototypes="towards",
        confusion="digits",
    )

    title: Text | None = None
    """Heading of the figures; null makes one from the study's name."""
    description: str = ""
    """What the study asks."""
    kstar: Name | None = None
    """A k* study. Two or more of kstar, prototypes and confusion are needed, with the same classes."""
    prototypes: Name | None = None
    """A prototype study."""
    confusion: Name | None = None
    """A confusion study."""
    model: Name | None = None
    """Model of the k* study and of the prototype study; null takes their only one."""
    interval: Percent | None = None
    """Interval of both, in percent; null takes the last one of each. Seeds and initialisations are averaged."""
    layer: Name | None = None
    """Layer of the k* study; null takes its last one."""
    metric: Metric | None = None
    """Metric of the k* study; null takes its first one."""
    permutations: Count = 9999
    """Number of random permutations of the classes behind each p value. If there are no more different ones, all are
    used."""


class Relations(Section):
    """Studies that compare the three methods, pair of classes by pair of classes."""

    studies: dict[Name, RelationStudy] = Field(default={})
    """The studies by name."""


def chosen_parts(study: RelationStudy) -> dict[str, str]:
    """Names of the studies that a study compares, by section."""
    return {section: name for section in PARTS if (name := getattr(study, section)) is not None}


def different_classes(
    where: str, sources: Mapping[str, str], classes: Mapping[str, tuple[str, ...] | None]
) -> Iterator[Problem]:
    """Parts of a study whose classes differ, or whose classes cannot be compared before their files are read.

    Args:
        where: key path of the study.
        sources: dataset of each part, by section.
        classes: classes of each dataset, or None if they are known only from its files.
    """
    first = next(iter(sources), "")
    for other, two in list(sources.items())[1:]:
        one = sources[first]
        if one == two:
            continue
        unknown = [name for name in (one, two) if classes[name] is None]
        found = f"{two} (data set of {other}), {one} (of {first})"
        if unknown:
            allowed = f"the classes of {' and '.join(unknown)} are known only from its files, so they may differ"
            yield Problem(where, found, allowed, f"list them in datasets.{unknown[0]}.classes")
        elif differing := set(classes[one] or ()) ^ set(classes[two] or ()):
            allowed = f"the parts of a study must have the same classes; only one has {', '.join(sorted(differing))}"
            yield Problem(where, found, allowed, "name studies of the same data set")
