"""A transformer of two layers with random weights, for tests of the extra text."""

import json
from pathlib import Path

import pytest

from workflow_lib.config import extras

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "day", "night")


def write_encoder(folder: Path) -> Path:
    """A folder of a model that takes at most six tokens, for both libraries. Skips the test without the extra."""
    if not extras.is_installed("text"):
        pytest.skip("needs the extra text")
    from workflow_lib.models.torchvision_shim import import_torchvision

    import_torchvision()
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    torch.manual_seed(0)
    network = BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=6, **sizes)).eval()
    network.save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=6).save_pretrained(folder)
    pooling = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(kinds.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 6, "do_lower_case": false}')
    return folder
