"""The whole config: its sections, in the order in which data flows."""

from pydantic import Field

from workflow_lib.config.confusion import Confusion
from workflow_lib.config.datasets import Dataset
from workflow_lib.config.fields import Name, Section
from workflow_lib.config.kstar import Kstar
from workflow_lib.config.models import Model
from workflow_lib.config.prototypes import Prototypes
from workflow_lib.config.studies import (
    ResolvedConfusion,
    ResolvedPrototypes,
    ResolvedStudy,
    resolve,
    resolve_confusion,
    resolve_prototypes,
)
from workflow_lib.config.transforms import AnyTransform


class Config(Section):
    """What the workflow computes. Threads, memory and devices are not part of it: they belong to profiles."""

    datasets: dict[Name, Dataset]
    """Sources of images, or of features computed elsewhere, by name."""
    models: dict[Name, Model] = Field(default={})
    """Networks to train or to load, by name."""
    transforms: dict[Name, AnyTransform] = Field(default={})
    """Ways to change the images before a network sees them, by name; original is always there."""
    kstar: Kstar = Kstar()
    """k* distributions and their studies."""
    prototypes: Prototypes = Prototypes()
    """Prototypes and their studies."""
    confusion: Confusion = Confusion()
    """Confused classes and their studies."""

    def kstar_studies(self) -> dict[str, ResolvedStudy]:
        """Every k* study with all its defaults and every `all` filled in."""
        return {
            name: resolve(name, study, self.datasets, self.models, self.transforms)
            for name, study in self.kstar.studies.items()
        }

    def prototype_studies(self) -> dict[str, ResolvedPrototypes]:
        """Every study of prototypes with all its defaults and every `all` filled in."""
        return {name: resolve_prototypes(name, study, self.models) for name, study in self.prototypes.studies.items()}

    def confusion_studies(self) -> dict[str, ResolvedConfusion]:
        """Every study of confused classes with its pairs written out."""
        return {
            name: resolve_confusion(name, study, self.datasets[self.models[study.model].dataset])
            for name, study in self.confusion.studies.items()
        }
