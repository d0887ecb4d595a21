"""Frozen encoders: counted words, and a tiny transformer that is made here."""

import json
import math
import shutil

import numpy as np
import pytest
from tiny_encoder import write_encoder

from workflow_lib.datasets.artifact import open_split
from workflow_lib.datasets.split import Texts, strings
from workflow_lib.datasets.writing import write_texts
from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.steps.encode_texts import encode_texts
from workflow_lib.steps.roles import Context

TRAIN = ["good good day", "good night", "bad night", "bad day", "a bad day"]
TEST = ["good day", "unknown words", "good", "bad"]


def encode(place, test=TEST, **settings):
    """Both encoded splits."""
    for name, texts in (("train", TRAIN), ("test", test)):
        labels = np.array([0, 0, 1, 1, 1])[: len(texts)]
        ids = strings(f"{name}-{n}" for n in range(len(texts)))
        write_texts(Texts("text", "here", labels, ids, ("good", "bad"), strings(texts)), place / f"{name}-t.zarr.zip")
    spec = {"of": "texts", "encoder": "tfidf", "layers": ["sentence"], "pooling": "mean", "terms": 3} | settings
    parts = {f"{name}_parts": [place / f"{name}-t.zarr.zip"] for name in ("train", "test")}
    files = {name: place / f"{name}.zarr.zip" for name in ("train", "test")}
    encode_texts(spec=spec, **parts, **files, context=Context("cpu", 1, place))
    return [open_split(file) for file in files.values()]


def test_tfidf_by_hand(tmp_path):
    train, test = encode(tmp_path)
    assert train.image_shape == (1, 1, 3)  # bad in 3 texts, day in 3, good in 2, night in 2: the first three
    bad, day, good = (math.log((1 + 5) / (1 + n)) + 1 for n in (3, 3, 2))
    rows = train.all_images()[:, 0, 0]
    np.testing.assert_allclose(rows[0], np.array([0, day, 2 * good]) / math.hypot(day, 2 * good), rtol=1e-6)
    np.testing.assert_allclose(rows[3], np.array([bad, day, 0]) / math.hypot(bad, day), rtol=1e-6)
    assert test.all_images()[1].tolist() == [[[0, 0, 0]]]
    assert test.ids.tolist() == ["test-0", "test-1", "test-2", "test-3"]


def test_tfidf_without_words_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("test_encode_texts.TRAIN", ["?", "!", ".", ",", ";"])
    with pytest.raises(UserError, match="no words in the training texts"):
        encode(tmp_path)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("model") / "folder")


def tokens_of(model, text):
    """Hidden states (layers, tokens, 8) of one text, in plain torch."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(model)(text, return_tensors="pt", truncation=True, max_length=6)
    with torch.no_grad():
        states = AutoModel.from_pretrained(model).eval()(**tokens, output_hidden_states=True).hidden_states
    return np.stack([state[0].numpy() for state in states])


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_layers_are_pooled_over_the_tokens_of_each_text(model, tmp_path, pooling):
    layers = ["embeddings", "encoder.layer.0", "sentence"]
    settings = {"encoder": "transformers/x", "folder": str(model), "layers": layers, "pooling": pooling}
    _, test = encode(tmp_path, **settings)
    assert test.image_shape == (3, 1, 8)
    for row, text in enumerate(TEST):
        states = tokens_of(model, text)
        pooled = states.mean(axis=1) if pooling == "mean" else states[:, 0]
        np.testing.assert_allclose(test.all_images()[row, :, 0], pooled, rtol=1e-5, atol=1e-6)


def test_a_model_of_sentence_transformers_has_its_own_pooling(model, tmp_path, capsys):
    long = ["good day bad night good day bad night", *TEST[1:]]
    settings = {"encoder": "sentence-transformers/x", "folder": str(model), "layers": ["sentence"]}
    _, test = encode(tmp_path, long, **settings)
    mean = tokens_of(model, long[0])[-1].mean(axis=0)
    np.testing.assert_allclose(test.all_images()[0, 0, 0], mean / np.linalg.norm(mean), rtol=1e-5, atol=1e-6)
    said = "1 of 4 texts have more than 6 tokens; their ends are not read"
    assert said in capsys.readouterr().err
    assert storage.load(tmp_path / "test.zarr.zip").attrs["cut"] == said


def test_what_is_no_model_is_refused(model, tmp_path):
    settings = {"encoder": "transformers/x", "folder": str(model)}
    with pytest.raises(UserError, match="is no module of the encoder"):
        encode(tmp_path, **settings, layers=["encoder.layers.0"])
    with pytest.raises(UserError, match="embeddings.word_embeddings|layers have the same width"):
        encode(tmp_path, **settings, layers=["encoder.layer.0.intermediate", "sentence"])
    half = tmp_path / "half"
    half.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        (half / name).write_bytes((model / name).read_bytes())
    with pytest.raises(UserError, match="cannot be loaded as a model"):
        encode(tmp_path, **settings | {"folder": str(half)})
    with pytest.raises(UserError, match="has no modules.json"):
        encode(tmp_path, encoder="sentence-transformers/x", folder=str(half))
    (half / "config.json").unlink()
    with pytest.raises(UserError, match="has no config.json"):
        encode(tmp_path, **settings | {"folder": str(half)})


def copied(model, place, lacking="", **words):
    """A copy of the model, without some of its weights, with other numbers of words."""
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(model, place)
    weights = load_file(folder / "model.safetensors")
    kept = {name: values for name, values in weights.items() if not lacking or lacking not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    change(folder / "tokenizer.json", lambda tokenizer: tokenizer["model"]["vocab"].update(words))
    return folder


def change(file, edit):
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))


LIBRARIES = pytest.mark.parametrize("library", ["transformers", "sentence-transformers"])


@LIBRARIES
def test_weights_that_would_be_random_are_refused(model, tmp_path, library):
    half, poolless = (copied(model, tmp_path / name, name) for name in ("layer.1", "pooler"))
    with pytest.raises(UserError, match="lacks encoder.layer.1.*which would be random"):
        encode(tmp_path, encoder=f"{library}/x", folder=str(half))
    encode(tmp_path, encoder=f"{library}/x", folder=str(poolless))
    with pytest.raises(UserError, match="lacks pooler.dense.bias, pooler.dense.weight"):
        encode(tmp_path, encoder=f"{library}/x", folder=str(poolless), layers=["pooler"])


@LIBRARIES
def test_a_tokenizer_of_another_model_is_refused(model, tmp_path, library):
    folder = copied(model, tmp_path / "model", night=9)
    with pytest.raises(UserError, match="numbers its words up to 9, and the model knows 9 words"):
        encode(tmp_path, encoder=f"{library}/x", folder=str(folder))


def saved(model, place, network):
    """Another network with the tokenizer of the model, which names no number of tokens."""
    network.eval().save_pretrained(place)
    for file in model.glob("token*"):
        shutil.copy(file, place)
    change(place / "tokenizer_config.json", lambda settings: settings.pop("model_max_length"))
    return place


def test_a_model_like_roberta_has_fewer_tokens_than_positions(model, tmp_path):
    from transformers import RobertaConfig, RobertaModel

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    network = RobertaModel(RobertaConfig(vocab_size=9, max_position_embeddings=6, pad_token_id=0, **sizes))
    folder = saved(model, tmp_path / "roberta", network)
    _, test = encode(tmp_path, [" ".join(["good"] * 9), *TEST[1:]], encoder="transformers/x", folder=str(folder))
    assert test.image_shape == (1, 1, 8)
    said = "1 of 4 texts have more than 5 tokens; their ends are not read"
    assert storage.load(tmp_path / "test.zarr.zip").attrs["cut"] == said


def test_of_a_model_with_a_decoder_the_encoder_is_taken(model, tmp_path):
    import torch
    from transformers import T5Config, T5Model

    torch.manual_seed(0)
    network = T5Model(T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=16, num_layers=2, num_heads=2))
    folder = saved(model, tmp_path / "t5", network)
    _, test = encode(tmp_path, encoder="transformers/x", folder=str(folder), layers=["block.0", "sentence"])
    tokens = torch.tensor([[2, 5, 7, 3]])  # [CLS] good day [SEP]
    with torch.no_grad():
        states = network.encoder(tokens, output_hidden_states=True)
    wanted = [state[0].mean(dim=0).numpy() for state in (states.hidden_states[1], states.last_hidden_state)]
    np.testing.assert_allclose(test.all_images()[0, :, 0], wanted, rtol=1e-5, atol=1e-6)


@LIBRARIES
def test_a_model_without_its_tokenizer_is_refused(model, tmp_path, library):
    folder = shutil.copytree(model, tmp_path / "wordless", ignore=shutil.ignore_patterns("token*", "vocab*"))
    with pytest.raises(UserError, match="has no vocabulary"):
        encode(tmp_path, encoder=f"{library}/x", folder=str(folder))
