"""A BERT as an OpenVINO graph, built from its weights alone: no torch, no tracing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.engines.openvino_library import load_openvino

Weights = Mapping[str, NDArray[np.float32]]

# Added to the attention of a padded place: its exponential is 0 in every precision.
_NOT_READ = -1e9


def bert_graph(weights: Weights, *, layers: int, heads: int, epsilon: float) -> Any:
    """An ``openvino.Model`` from ``ids`` and ``mask``, both int64 (n, tokens), to the mean (n, width) of the token
    vectors that ``mask`` marks with 1.

    ``weights`` are named as in a BertModel's state dict (Devlin et al. 2019, as published). ``epsilon`` is that of the
    layer normalisations.
    """
    return _Builder(weights, heads, epsilon).model(layers)


class _Builder:
    def __init__(self, weights: Weights, heads: int, epsilon: float) -> None:
        openvino = load_openvino()
        self._op: Any = openvino.opset13
        self._openvino: Any = openvino
        self._weights, self._heads, self._epsilon = weights, heads, epsilon

    def model(self, layers: int) -> Any:
        op = self._op
        ids = op.parameter([-1, -1], np.int64, "ids")
        mask = op.parameter([-1, -1], np.int64, "mask")
        read = op.convert(mask, "f32")
        # (n, 1, 1, tokens): the same for every head and every asking token.
        ignored = op.unsqueeze(op.multiply(op.subtract(read, self._number(1)), self._number(-_NOT_READ)), _places(1, 2))
        hidden = self._embed(ids)
        for layer in range(layers):
            hidden = self._layer(hidden, ignored, f"encoder.layer.{layer}")
        weight = op.unsqueeze(read, _places(2))
        total = op.reduce_sum(op.multiply(hidden, weight), _places(1), False)
        mean = op.divide(total, op.reduce_sum(weight, _places(1), False))
        return self._openvino.Model([mean], [ids, mask], "bert")

    def _embed(self, ids: Any) -> Any:
        op, weights = self._op, self._weights
        words = op.gather(op.constant(weights["embeddings.word_embeddings.weight"]), ids, _places(0)[0])
        tokens = op.gather(op.shape_of(ids), _places(1), _places(0)[0])
        # Every token is of the first of the two kinds, so its vector is the same for all.
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        places = op.constant(weights["embeddings.position_embeddings.weight"] + kind)
        return self._norm(
            op.add(words, op.slice(places, _places(0), tokens, _places(1), _places(0))), "embeddings.LayerNorm"
        )

    def _layer(self, hidden: Any, ignored: Any, name: str) -> Any:
        op = self._op
        query, key, value = (
            self._split(self._linear(hidden, f"{name}.attention.self.{part}")) for part in ("query", "key", "value")
        )
        attended = op.transpose(
            op.scaled_dot_product_attention(query, key, value, ignored), np.array([0, 2, 1, 3], dtype=np.int64)
        )
        joined = self._linear(op.reshape(attended, _places(0, 0, -1), True), f"{name}.attention.output.dense")
        hidden = self._norm(op.add(hidden, joined), f"{name}.attention.output.LayerNorm")
        wide = op.gelu(self._linear(hidden, f"{name}.intermediate.dense"), "erf")
        return self._norm(op.add(hidden, self._linear(wide, f"{name}.output.dense")), f"{name}.output.LayerNorm")

    def _split(self, rows: Any) -> Any:
        """(n, tokens, width) to (n, heads, tokens, width / heads)."""
        apart = self._op.reshape(rows, _places(0, 0, self._heads, -1), True)
        return self._op.transpose(apart, np.array([0, 2, 1, 3], dtype=np.int64))

    def _linear(self, rows: Any, name: str) -> Any:
        op, weights = self._op, self._weights
        product = op.matmul(rows, op.constant(weights[f"{name}.weight"]), False, True)
        return op.add(product, op.constant(weights[f"{name}.bias"]))

    def _norm(self, rows: Any, name: str) -> Any:
        op, weights = self._op, self._weights
        even = op.mvn(rows, _places(-1), True, self._epsilon, "inside_sqrt")
        return op.add(op.multiply(even, op.constant(weights[f"{name}.weight"])), op.constant(weights[f"{name}.bias"]))

    def _number(self, value: float) -> Any:
        return self._op.constant(np.float32(value))


def _places(*numbers: int) -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)
