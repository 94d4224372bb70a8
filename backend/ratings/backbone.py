"""Text encoders that can be trained on: their configuration, tokenizer and weights, and the tokens of a review."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.encoders.minilm import weights_file
from backend.encoders.model_directories import model_directory
from backend.encoders.names import parse_name
from backend.errors import ConfigurationError, WeightsMissing
from backend.ratings.state import Tensors

# Tokens read of a title, and of title and text together with the three marks around them.
TITLE_TOKENS = 48
TOKENS = 192
# Of a text that is too long so many of its first tokens are read, and then its last: verdicts stand at both ends
# (Sun et al. 2019, table 2).
HEAD_SHARE = 0.7
# The rate outside attention, BERT's own.
DROPOUT = 0.1
_TRAINABLE = ("bert", "distilbert")

Tokens = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Backbone:
    """``config`` is transformers' config.json, ``tokenizer`` tokenizer.json's text, ``weights`` the model's by name."""

    config: dict[str, Any]
    tokenizer: str
    weights: Tensors

    @cached_property
    def width(self) -> int:
        """Length of a token's vector."""
        return int(self.config.get("hidden_size") or self.config["dim"])

    def module(self) -> torch.nn.Module:
        """A model of transformers with these weights; called with input_ids, attention_mask and token_type_ids.

        Raises:
            WeightsMissing: the weights are not those of this configuration.
        """
        from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

        model: torch.nn.Module
        # No dropout inside attention: CPUs have a fast attention only without.
        if self.config["model_type"] == "distilbert":
            model = DistilBertModel(DistilBertConfig(**{**self.config, "attention_dropout": 0.0, "dropout": DROPOUT}))
        else:
            settings = {**self.config, "attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": DROPOUT}
            model = BertModel(BertConfig(**settings), add_pooling_layer=False)
        given = {name: torch.from_numpy(value.astype(np.float32)) for name, value in self.weights.items()}
        missing = model.load_state_dict(given, strict=False).missing_keys
        if missing:
            raise WeightsMissing(f"The weights of the text encoder lack {missing[0]}: fetch them again.")
        return model

    def tokens(self, pairs: Sequence[tuple[str, str]]) -> list[Tokens]:
        """Of each title and text the token ids and types, int64 (length,): [CLS] title [SEP] text [SEP]."""
        first, last = self._mark("[CLS]"), self._mark("[SEP]")
        titles = self._tokenizer.encode_batch_fast([title for title, _ in pairs], add_special_tokens=False)
        texts = self._tokenizer.encode_batch_fast([text for _, text in pairs], add_special_tokens=False)
        found = []
        for title, text in zip(titles, texts, strict=True):
            one = title.ids[: min(TITLE_TOKENS, self._most // 4)]
            head = [first, *one, last] if one else [first]
            rest = [*_both_ends(text.ids, self._most - len(head) - 1), last]
            kinds = [0] * len(head) + [int(bool(one))] * len(rest)
            found.append((np.array(head + rest, dtype=np.int64), np.array(kinds, dtype=np.int64)))
        return found

    @cached_property
    def _most(self) -> int:
        return min(TOKENS, int(self.config.get("max_position_embeddings", TOKENS)))

    @cached_property
    def _tokenizer(self) -> Any:
        import os

        # As backend.encoders.minilm: a pool of threads of its own does not survive a fork.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self.tokenizer)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def _mark(self, mark: str) -> int:
        found = self._tokenizer.token_to_id(mark)
        if found is None:
            raise ConfigurationError(f"the text encoder's tokenizer has no {mark}, so it cannot be fine-tuned here")
        return int(found)


def open_backbone(name: str) -> Backbone:
    """The text encoder ``name`` as something to train: ``minilm``, or a BERT or DistilBERT in a directory.

    Raises:
        ConfigurationError: the encoder is of another kind (``hashing``, ``tfidf``, ``clip``).
        WeightsMissing: its weights are not on this machine, or are no safetensors.
    """
    parsed = parse_name(name)
    if parsed.base == "minilm":
        directory = weights_file().parent
    elif parsed.base in ("distilbert", "sentence-transformer"):
        directory = model_directory(parsed.base, parsed.argument or "distilbert-base-uncased")
    else:
        raise ConfigurationError(
            f"the text encoder {name!r} cannot be fine-tuned: use minilm, distilbert:DIR or sentence-transformer:DIR"
        )
    return read_backbone(directory)


def read_backbone(directory: Path) -> Backbone:
    """The BERT or DistilBERT in a directory of transformers' layout.

    Raises:
        ConfigurationError: it is another kind of model.
        WeightsMissing: a file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        tokenizer = (directory / "tokenizer.json").read_text(encoding="utf-8")
        weights = load_file(directory / "model.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsMissing(
            f"{directory} needs config.json, tokenizer.json and model.safetensors to be fine-tuned: {error}"
        ) from error
    if config.get("model_type") not in _TRAINABLE:
        raise ConfigurationError(f"{directory} holds a {config.get('model_type')}; fine-tuned are {_TRAINABLE}")
    unused = ("pooler.", "embeddings.position_ids", "cls.", "vocab_")
    bare = {name.removeprefix(f"{config['model_type']}."): value for name, value in weights.items()}
    return Backbone(config, tokenizer, {name: value for name, value in bare.items() if not name.startswith(unused)})


def _both_ends(ids: list[int], most: int) -> list[int]:
    if len(ids) <= most:
        return ids
    head = round(HEAD_SHARE * most)
    return ids[:head] + ids[len(ids) - (most - head) :]
