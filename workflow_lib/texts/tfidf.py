"""Frequencies of words: the baseline that needs no extra."""

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from workflow_lib.errors import Problem, UserError


class TfIdf:
    """The `terms` words that most of the training texts have (Sparck Jones 1972), in alphabetical order.

    A row has a number for each word: its frequency in the text times ln((1 + n) / (1 + n_w)) + 1, where n_w of the n
    training texts have the word; rows have length 1. A text of unknown words is a row of zeros. Words are two or more
    letters or digits, in small letters.
    """

    layers: tuple[str, ...] = ("tfidf",)

    def __init__(self, train: list[str], terms: int) -> None:
        self._vectorizer = TfidfVectorizer(max_features=terms, dtype=np.float32)
        try:
            self._vectorizer.fit(train)
        except ValueError as error:
            repair = "use another encoder, or other texts"
            raise UserError(
                Problem("encoder", "tfidf", f"finds no words in the training texts: {error}", repair)
            ) from error
        self.width = len(self._vectorizer.vocabulary_)
        self.words = f"tfidf of {self.width} words"

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Rows (n, 1, words) of n texts."""
        rows: NDArray[np.float32] = self._vectorizer.transform(texts).toarray()
        return rows[:, None]

    def too_long(self, texts: list[str]) -> str:
        """No text is cut."""
        return ""
