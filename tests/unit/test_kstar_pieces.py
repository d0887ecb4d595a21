import numpy as np
import pytest

from workflow_lib.kstar import neighbourhood
from workflow_lib.kstar.summary import made_of, summarize, summarize_pieces


def planted(generator, blobs, per_blob=60, width=8):
    """A class in so many blobs along a line, with blobs of another class between them; one has a neighbour, too."""
    count = max(2 * blobs - 1, 2)
    features = generator.normal(size=(count * per_blob, width))
    features[:, 0] += np.repeat(np.arange(count) * 12.0, per_blob)  # class 0 at the even places
    return features, np.repeat(np.arange(count) % 2, per_blob)


def test_by_hand_on_a_line():
    # a at 0, 1, 2 | b at 3.5, 4 | a at 6, 7 | a alone between foreigners at 3.7
    features = np.array([0.0, 1, 2, 3.5, 4, 6, 7, 3.7])[:, None]
    labels = np.array(list("aaabbaaa"))
    found = neighbourhood(features, labels)
    assert found.piece.tolist() == [0, 0, 0, 0, 1, 1, 1, 2]


def test_joining_needs_both_sides():
    # The a at 0 is nearer to the a at 2 than to any b, but that one has a b at distance 1.
    found = neighbourhood(np.array([0.0, 2, 3])[:, None], np.array(["a", "a", "b"]))
    assert found.piece.tolist() == [0, 1, 0]
    assert found.kappa.tolist() == [2, 1, 1]


@pytest.mark.parametrize("blobs", [1, 2, 5])
def test_planted_blobs_are_recovered(blobs):
    right = 0
    for seed in range(100):
        features, labels = planted(np.random.default_rng(seed), blobs)
        row = summarize_pieces(neighbourhood(features, labels).piece, labels).iloc[0]
        right += row["pieces"] == blobs and row["effective_pieces"] == pytest.approx(blobs)
    assert right >= 95


def test_a_mixed_class_is_fractured_and_of_single_samples():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 300)
    found = neighbourhood(generator.normal(size=(600, 8)), labels)
    patterns, pieces = summarize(found.kappa, labels), summarize_pieces(found.piece, labels)
    assert patterns["pattern"].tolist() == ["Fractured"] * 2
    assert patterns["skewness"].tolist() == pytest.approx([np.sqrt(300)] * 2, rel=0.1)  # of the anchor at 1 alone
    assert pieces["made_of"].tolist() == ["single samples"] * 2


def test_two_separate_blobs_are_overlapped_and_in_pieces_though_nothing_overlaps():
    features, labels = planted(np.random.default_rng(0), 2)
    found = neighbourhood(features, labels)
    assert set(found.kappa[labels == 0] / 120) == {0.5}  # k* = 1/p everywhere
    assert summarize(found.kappa, labels)["pattern"].iloc[0] == "Overlapped"
    row = summarize_pieces(found.piece, labels).iloc[0]
    assert (row["pieces"], row["alone"], row["made_of"]) == (2, 0, "pieces")


def test_five_separate_blobs_are_fractured_like_a_mixed_class_but_in_pieces():
    features, labels = planted(np.random.default_rng(0), 5)
    found = neighbourhood(features, labels)
    assert summarize(found.kappa, labels)["pattern"].iloc[0] == "Fractured"
    assert summarize_pieces(found.piece, labels)["made_of"].iloc[0] == "pieces"


def test_summary_by_hand():
    table = summarize_pieces([0, 0, 0, 1, 2, 0], list("aaaaab"))
    first, second = table.iloc[0], table.iloc[1]
    assert (first["pieces"], first["largest_piece"], first["second_piece"], first["alone"]) == (3, 0.6, 0.2, 0.4)
    assert first["effective_pieces"] == pytest.approx(np.exp(-(0.6 * np.log(0.6) + 2 * 0.2 * np.log(0.2))))
    assert second[1:].tolist() == [1, 1.0, 1.0, 0.0, 1.0, "single samples"]


@pytest.mark.parametrize(
    ("largest", "alone", "words"),
    [(0.6, 0.1, "one piece"), (0.5, 0.1, "pieces"), (0.2, 0.6, "single samples"), (0.5, 0.5, "pieces")],
)
def test_what_a_class_is_made_of(largest, alone, words):
    assert made_of(largest, alone) == words
