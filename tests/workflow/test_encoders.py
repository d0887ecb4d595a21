"""What runs again when an encoder of texts is edited; rows like those of the contract, which need the extra text."""

import pytest
import text_project
from edits import append, put, touch
from project import Project, run_once
from row import Row
from tiny_encoder import write_encoder

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

READ = "encode_texts/counted check_network/read */read/*"
ENCODER = "{source: encoded, of: sentences, encoder: transformers/data/model, layers: [encoder.layer.0, sentence]}"


def encoded(folder):
    """The study of texts and a table, with a transformer in the place of counted words."""
    config = text_project.CONFIG.replace("{source: encoded, of: sentences, encoder: tfidf, terms: 12}", ENCODER)
    text_project.fresh(folder)
    write_encoder(folder / "data" / "model")
    (folder / "config.yaml").write_text(config)
    return Project(folder)


@pytest.mark.parametrize(
    "row",
    [
        Row("the folder of an encoder touched", touch("data/model/*"), stages="kstar"),
        Row("the pooling of an encoder", put("datasets.counted.pooling", "cls"), READ, stages="kstar"),
        Row(
            "a file beside the weights of an encoder",
            append("data/model/notes.txt", "Trained at home."),
            READ,
            computes="encode_texts/counted",
            because="the encoded splits come out equal",
            stages="kstar",
        ),
    ],
    ids=lambda row: row.name,
)
def test_an_edit_starts_and_computes_exactly_what_follows_from_it(row, tmp_path_factory, tmp_path):
    made = run_once(tmp_path_factory.getbasetemp() / "encoded", encoded, "kstar")
    assert row.run(made, tmp_path).wrong == []
