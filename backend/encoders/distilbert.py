"""``distilbert[:DIR_OR_NAME][?pooling=mean|cls]``: the last layer of a DistilBERT, by transformers.

``mean`` (the default) is the mean of the token vectors, special tokens among them, padding not; ``cls`` is the first
token's vector. The mean is the better sentence vector of a model that was not trained for sentences (Reimers & Gurevych
2019, table 1: averaged BERT 54.8, CLS 29.2). It reads as many tokens as the model has positions, 512.
"""

from pathlib import Path
from typing import Any

from backend.encoders.engines import Runtime
from backend.encoders.lanes import Lanes
from backend.encoders.model_directories import check_tokenizer, model_directory, model_files, read_json, unusable
from backend.encoders.names import EncoderName
from backend.encoders.protocols import EncoderSpec
from backend.encoders.transformer_loading import loading
from backend.encoders.transformer_texts import TokenizedTexts
from backend.encoders.weights import fingerprint

RECIPE = 1
DEFAULT_MODEL = "distilbert-base-uncased"
# Of transformers' DistilBertConfig, where config.json leaves them out.
DEFAULT_DIMENSIONS = 768


class DistilBert(TokenizedTexts):
    """A loaded DistilBERT."""

    def __init__(self, spec: EncoderSpec, model: Any, tokenizer: Any, pooling: str, lanes: Lanes) -> None:
        super().__init__(spec, model, tokenizer, lanes)
        self._pooling = pooling

    def _vectors(self, tokens: Any) -> Any:
        mask = tokens["attention_mask"]
        hidden = self._model(input_ids=tokens["input_ids"], attention_mask=mask).last_hidden_state
        if self._pooling == "cls":
            return hidden[:, 0]
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1)


def describe(name: EncoderName) -> EncoderSpec:
    """The encoder without loading it.

    Raises:
        WeightsMissing: its model is not on this machine, or is no DistilBERT.
    """
    directory = _directory(name)
    config = read_json(directory / "config.json")
    if config.get("model_type") != "distilbert":
        raise unusable("distilbert", directory, f"its config.json says model_type {config.get('model_type')!r}")
    version = fingerprint(f"{RECIPE}-{_pooling(name)}", model_files(directory))
    return EncoderSpec(str(name), config.get("dim", DEFAULT_DIMENSIONS), version)


def load(name: EncoderName, runtime: Runtime | None = None) -> DistilBert:
    """The model on the CPU, in torch, fp32; the network is never asked.

    Raises:
        WeightsMissing: its model is not on this machine, is no DistilBERT, or is damaged.
    """
    spec, directory = describe(name), _directory(name)
    check_tokenizer("distilbert", directory)
    with loading("distilbert", directory):
        import torch
        from transformers import AutoTokenizer, DistilBertModel

        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        model: Any = DistilBertModel.from_pretrained(directory, local_files_only=True, dtype=torch.float32)
        model.eval()
    return DistilBert(spec, model, tokenizer, _pooling(name), (runtime or Runtime()).lanes)


def _directory(name: EncoderName) -> Path:
    return model_directory(name.base, name.argument or DEFAULT_MODEL)


def _pooling(name: EncoderName) -> str:
    return name.option("pooling", "mean")
