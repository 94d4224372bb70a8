"""Fusion: one vector for all modalities, whose inner product obeys weights chosen at query time.

With unit blocks and weights a, b, c that add up to 1, a product is stored as ``[sqrt(a) t ; sqrt(b) i ; sqrt(c) r]``
and a query is ``[w_t/sqrt(a) t ; w_i/sqrt(b) i ; w_r/sqrt(c) r]``. Their inner product is
``w_t cos_t + w_i cos_i + w_r cos_r`` for any w: one index serves every choice of weights.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.errors import InvalidInput

Vectors = NDArray[np.float32]


def fuse(blocks: Sequence[Vectors | None], weights: Sequence[float], dimensions: Sequence[int]) -> Vectors:
    """The stored vectors of n products.

    Args:
        blocks: for each modality (n, d) float32 with unit rows, zero rows where a product lacks it; None where all do.
        weights: the space's weights, which add up to 1.
        dimensions: the d of each modality; 0 where the space has none.

    Returns:
        (n, sum of dimensions) float32.
    """
    return _join(blocks, [weight**0.5 for weight in weights], dimensions)


def fuse_query(
    blocks: Sequence[Vectors | None],
    query_weights: Sequence[float],
    weights: Sequence[float],
    dimensions: Sequence[int],
) -> Vectors:
    """The query vectors for n queries and the weights that the caller chose; shapes as in ``fuse``.

    Raises:
        InvalidInput: a weight is negative or not finite, or none is above 0.
    """
    if not all(0 <= weight < np.inf for weight in query_weights) or not any(query_weights):
        raise InvalidInput("weights are 0 or more, and one of them above 0", field="weights")
    factors = [
        query_weight / weight**0.5 if weight else 0.0
        for query_weight, weight in zip(query_weights, weights, strict=True)
    ]
    return _join(blocks, factors, dimensions)


def _join(blocks: Sequence[Vectors | None], factors: Sequence[float], dimensions: Sequence[int]) -> Vectors:
    rows = next(len(block) for block in blocks if block is not None)
    parts = [
        np.zeros((rows, length), dtype=np.float32) if block is None else block * np.float32(factor)
        for block, factor, length in zip(blocks, factors, dimensions, strict=True)
        if length
    ]
    return np.concatenate(parts, axis=1)
