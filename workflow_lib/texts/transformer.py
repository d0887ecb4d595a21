"""Frozen transformers from a local folder, through sentence-transformers or transformers."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed, write_nearest
from workflow_lib.models.torchvision_shim import import_torchvision
from workflow_lib.optional import optional

LOCAL: Final[Mapping[str, bool]] = {"local_files_only": True, "trust_remote_code": False}
RELATIVE: Final = 512
"""Tokens that a model of relative positions takes, which has no limit of its own, if its tokenizer names no fewer."""
SENTENCE = "sentence"
"""Name of the layer that is the output of the whole encoder."""


class Transformer:
    """Layers of a model, each as one vector per text.

    Modules that give a vector for each token are pooled: `mean` is the mean over the tokens of the text (not over
    padding), `cls` the first token. The layer `sentence` is the output of a model of sentence-transformers with the
    pooling and normalisation of its own, and the pooled last layer of a model of transformers.

    Raises:
        UserError: the folder has no model or no tokenizer that the library can load; layers that do not exist, give no
            vectors, or have different widths.
    """

    def __init__(self, library: str, folder: str, layers: Sequence[str], pooling: str, device: str) -> None:
        self._loaded = load(library, folder, layers, device)
        self._pooling, self._device, self.layers = pooling, device, tuple(layers)
        modules = dict(self._loaded.network.named_modules())
        unknown = [name for name in layers if name != SENTENCE and (not name or name not in modules)]
        if unknown:
            names = [SENTENCE, *filter(None, modules)]
            words = f"is no module of the encoder, which has {listed(names, 20)}"
            raise UserError(*(Problem("layers", name, words, write_nearest(name, names)) for name in unknown))
        self._taps = {name: modules[name] for name in layers if name != SENTENCE}
        tried = _try(folder, "be run on a text", lambda: self._vectors("a"))
        widths = {name: values.shape[-1] for name, values in zip(layers, tried, strict=True)}
        if len(set(widths.values())) > 1:
            found = listed(f"{name}: {width}" for name, width in widths.items())
            raise UserError(Problem("layers", found, "layers have the same width", "make a dataset for each width"))
        self.width = next(iter(widths.values()))
        self.words = f"{library}, tokens pooled by {pooling}, at most {self._loaded.most} tokens"

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Rows (n, layers, width) of n texts; each text is encoded on its own, so that rows do not depend on others."""
        return np.stack([np.stack(self._vectors(text)) for text in texts])

    def too_long(self, texts: list[str]) -> str:
        """How many texts have more tokens than the model takes."""
        lengths = [len(ids) for ids in self._loaded.tokenizer(texts, truncation=False, verbose=False)["input_ids"]]
        count, most = sum(length > self._loaded.most for length in lengths), self._loaded.most
        return f"{count} of {len(texts)} texts have more than {most} tokens; their ends are not read" if count else ""

    def _vectors(self, text: str) -> list[NDArray[np.float32]]:
        """A vector (width,) for each layer."""
        tokens = self._loaded.tokenizer([text], truncation=True, max_length=self._loaded.most, return_tensors="pt")
        tokens = {name: values.to(self._device) for name, values in tokens.items()}
        seen: dict[str, Any] = {}
        hooks = [module.register_forward_hook(_keep(seen, name)) for name, module in self._taps.items()]
        try:
            with torch.inference_mode():
                seen[SENTENCE] = self._loaded.run(tokens)
        finally:
            for hook in hooks:
                hook.remove()
        return [self._pooled(seen.get(name), name) for name in self.layers]

    def _pooled(self, output: Any, name: str) -> NDArray[np.float32]:
        values = output[0] if isinstance(output, tuple) and output else output
        if not isinstance(values, Tensor) or values.ndim not in (2, 3) or len(values) != 1:
            found = f"gives {type(values).__name__}" + (f" {tuple(values.shape)}" if isinstance(values, Tensor) else "")
            allowed = f"{found}, and not a vector for each token or text"
            raise UserError(Problem("layers", name, allowed, "name a block of the encoder, such as encoder.layer.0"))
        if values.ndim == 3:
            values = values[:, 0] if self._pooling == "cls" else values.mean(dim=1)
        return values[0].float().cpu().numpy()


def _keep(seen: dict[str, Any], name: str) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        seen[name] = output

    return hook


class Loaded(NamedTuple):
    """A model and its tokenizer.

    Attributes:
        network: the transformer, whose modules can be layers.
        tokenizer: of transformers.
        most: tokens that the model takes.
        run: output of the whole encoder for tokens of one text, (1, d) or (1, tokens, d).
    """

    network: nn.Module
    tokenizer: Any
    most: int
    run: Callable[[Mapping[str, Tensor]], Tensor]


def load(library: str, folder: str, layers: Sequence[str], device: str) -> Loaded:
    """A model in eval mode and float32; nothing is fetched, and no code of the folder is run.

    Raises:
        UserError: the folder has no model or no tokenizer that the library can load, or lacks weights.
    """
    import_torchvision()  # which both libraries import
    if library == "sentence-transformers":
        return _sentence_transformers(folder, layers, device)
    if not Path(folder, "config.json").is_file():
        allowed = "has no config.json, which says what kind of model it is"
        raise UserError(Problem("encoder", folder, allowed, "name a folder with the model and its tokenizer"))
    transformers = optional("transformers", "text")
    tokenizer = _try(
        folder, "be loaded as a tokenizer", lambda: transformers.AutoTokenizer.from_pretrained(folder, **LOCAL)
    )
    network = _network(folder, transformers.AutoModel, layers)
    if getattr(network.config, "is_encoder_decoder", False):
        network = network.get_encoder()
    _check_words(folder, tokenizer, network)
    network = network.float().to(device).eval()
    most = min(tokenizer.model_max_length, _positions(network, RELATIVE))
    return Loaded(network, tokenizer, most, lambda tokens: network(**tokens).last_hidden_state)


def _network(folder: str, kind: Any, layers: Sequence[str]) -> Any:
    """The model that a class of transformers loads; the weights of a pooler may be lacking if it is none of the layers.

    Raises:
        UserError: it cannot be loaded, or lacks weights.
    """
    network, report = _try(
        folder, "be loaded as a model", lambda: kind.from_pretrained(folder, output_loading_info=True, **LOCAL)
    )
    is_used = any(name.startswith("pooler") for name in layers)
    if lacking := sorted(name for name in report["missing_keys"] if is_used or not name.startswith("pooler")):
        allowed = f"the file of weights lacks {listed(lacking, 5)}, which would be random"
        raise UserError(Problem("encoder", folder, allowed, "name a folder with all weights of the model"))
    return network


def _positions(network: Any, otherwise: int) -> int:
    """Tokens for which the model has positions, or `otherwise`; models like RoBERTa count from after the padding."""
    table = getattr(getattr(network, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    most = getattr(network.config, "max_position_embeddings", None) or 0
    return most - (0 if padding is None else padding + 1) if most > 0 else otherwise


def _sentence_transformers(folder: str, layers: Sequence[str], device: str) -> Loaded:
    if not Path(folder, "modules.json").is_file():
        allowed = "has no modules.json, which says how a model of sentence-transformers pools"
        raise UserError(Problem("encoder", folder, allowed, "name another folder, or write transformers/FOLDER"))
    library = optional("sentence_transformers", "text")
    model = _try(
        folder,
        "be loaded as a model",
        lambda: library.SentenceTransformer(folder, device=device, local_files_only=True),
    )
    model = model.float().eval()
    network, tokenizer = model[0].auto_model, model.tokenizer
    first = json.loads(Path(folder, "modules.json").read_text("utf-8"))[0]["path"]
    _network(str(Path(folder, first)), type(network), layers)  # the library does not say what is lacking
    _check_words(folder, tokenizer, network)
    most = model.max_seq_length or min(tokenizer.model_max_length, RELATIVE)
    return Loaded(
        network,
        tokenizer,
        min(most, _positions(network, most)),
        lambda tokens: model(dict(tokens))["sentence_embedding"],
    )


def _check_words(folder: str, tokenizer: Any, network: Any) -> None:
    """Refuse a tokenizer of another model, and one without a vocabulary, which the libraries make if files are missing.

    The latter knows no word.
    """
    words = _try(folder, "be used for texts", network.get_input_embeddings)
    highest, known = max(tokenizer.get_vocab().values(), default=0), words.num_embeddings
    allowed = ""
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        allowed = "has no vocabulary of a tokenizer, so every word would be unknown"
    elif highest >= known:
        allowed = f"the tokenizer numbers its words up to {highest}, and the model knows {known} words"
    if allowed:
        raise UserError(Problem("encoder", folder, allowed, "put the files of its tokenizer there"))


def _try(folder: str, what: str, run: Callable[[], Any]) -> Any:
    """What `run` returns; its errors as a problem of the folder."""
    try:
        return run()
    except UserError:
        raise
    except Exception as error:  # the libraries raise errors of many kinds
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        allowed = f"cannot {what}: {reason}"
        raise UserError(
            Problem("encoder", folder, allowed, "name a folder with the model and its tokenizer")
        ) from error
