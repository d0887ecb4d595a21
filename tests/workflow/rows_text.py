"""Rows: texts and tables of numbers, of the networks in text_project.py."""

from functools import partial

from edits import put, touch, write
from row import Row
from text_project import cells, sentences

READ = "encode_texts/counted check_network/read */read/*"
MEASURED = "prepare_dataset/cells check_network/measured */measured/*"

_row = partial(Row, base="text", stages="kstar")

TEXT = [
    _row("tables of texts and numbers touched", touch("data/*")),
    _row(
        "a text of the test split edited",
        write("data/sentences.csv", sentences(test_0="who was he then")),
        starts=f"prepare_dataset/sentences {READ}",
        computes="prepare_dataset/sentences encode_texts/counted extract_features/read/* compute_kstar/read/*",
        because="the encoded training split comes out equal",
    ),
    _row(
        "a text of the training split edited",
        write("data/sentences.csv", sentences(train_0="who was he then")),
        starts=f"prepare_dataset/sentences {READ}",
    ),
    _row(
        "capital letters in a text, which tfidf does not see",
        write("data/sentences.csv", sentences(train_0="WHO IS he here 00")),
        starts=f"prepare_dataset/sentences {READ}",
        computes="prepare_dataset/sentences encode_texts/counted",
        because="the encoded splits come out equal",
    ),
    _row("the number of words of an encoder", put("datasets.counted.terms", 5), starts=READ),
    _row(
        "a number of the test split edited",
        write("data/cells.csv", cells(test_0="9")),
        starts=MEASURED,
        computes="prepare_dataset/cells extract_features/measured/* compute_kstar/measured/*",
        because="the training split comes out equal",
    ),
    _row("the scaling of a table", put("datasets.cells.scaling", "none"), starts=MEASURED),
]
