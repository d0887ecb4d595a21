"""Sources of texts, and of what a frozen encoder makes of them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from workflow_lib.config import extras
from workflow_lib.config.datasets_table import Labelled
from workflow_lib.config.fields import Count, Name, Text, Unique, example
from workflow_lib.config.sources import Kind, Samples
from workflow_lib.errors import Problem

TFIDF: Final = "tfidf"
LIBRARIES: Final = ("sentence-transformers", "transformers")
ENCODER: Final = rf"^({TFIDF}|({'|'.join(LIBRARIES)})/.+)$"
SENTENCE: Final = "sentence"
"""Layer: the output of the whole encoder."""


class TextTable(Labelled):
    """Texts with labels (CSV, JSON, JSON lines, Parquet). A dataset with the source encoded makes numbers of them."""

    kind: ClassVar[Kind] = "text"
    model_config = example(source="text", path="data/intents.csv", texts="utterance", labels="intent", splits="split")

    source: Literal["text"]
    """Texts in a table."""
    texts: Text = "text"
    """Column of the texts."""


class Encoded(Samples):
    """Texts of another dataset as rows of numbers, made by a frozen encoder."""

    kind: ClassVar[Kind] = "table"
    model_config = example(
        source="encoded",
        of="intents",
        encoder="sentence-transformers/models/minilm",
        layers=["encoder.layer.0", "encoder.layer.3", "sentence"],
    )

    source: Literal["encoded"]
    """Texts of another dataset, encoded."""
    of: Name
    """The dataset of texts. The samples keep their names."""
    encoder: Annotated[str, StringConstraints(pattern=ENCODER)]
    """sentence-transformers/FOLDER or transformers/FOLDER, which need the extra text: a folder of the model, or a name
    in the cache of Hugging Face; nothing is downloaded. tfidf: frequencies of words, which weigh less the more training
    texts have them; it needs no extra."""
    layers: Annotated[Unique[Text], Field(min_length=1)] = (SENTENCE,)
    """Layers of the encoder, the last one for the network: names of modules, or sentence for the output of the whole
    encoder. All have the same width."""
    pooling: Literal["mean", "cls"] = "mean"
    """How modules that give a vector for each token give one for the text: the mean over its tokens, or cls, the first
    token. The output of a model of sentence-transformers has its own pooling."""
    terms: Count = 2000
    """Words that tfidf takes, those in most training texts."""

    @property
    def folder(self) -> Path | None:
        """Folder of the model; None for tfidf. A name without a folder here is looked up in the hub's cache."""
        if self.encoder == TFIDF:
            return None
        name = self.encoder.partition("/")[2]
        return Path(name) if Path(name).is_dir() else hub_folder(name) or Path(name)

    def parts(self) -> tuple[str, ...]:
        """The dataset of texts."""
        return (self.of,)

    def files(self) -> dict[str, str]:
        """The folder of the model."""
        return {"encoder": str(self.folder)} if self.folder else {}

    def has_bounds(self) -> bool:
        """Never: not every row of numbers belongs to a text."""
        return False

    def extras(self) -> dict[str, str]:
        """The libraries of transformers."""
        return {} if self.encoder == TFIDF else {"encoder": "text"}

    def functions(self) -> dict[str, str]:
        """The library of the encoder, whose version counts."""
        if self.encoder == TFIDF or not extras.is_installed("text"):
            return {}
        return {"encoder": "sentence_transformers:SentenceTransformer"}

    def problems(self, where: str) -> Iterator[Problem]:
        """Keys that the encoder does not have."""
        wrong = ("layers", "pooling") if self.encoder == TFIDF else ("terms",)
        for key in wrong:
            if key in self.model_fields_set:
                yield Problem(f"{where}.{key}", "", f"the encoder {self.encoder} has no {key}", f"remove {key}")


def hub_folder(name: str) -> Path | None:
    """The folder of a model's main version in the cache of Hugging Face; None if it is not there."""
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    model = Path(os.environ.get("HF_HUB_CACHE", home / "hub"), f"models--{name.replace('/', '--')}")
    main = model / "refs" / "main"
    return model / "snapshots" / main.read_text().strip() if main.is_file() else None
