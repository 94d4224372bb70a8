"""Fusion: one vector for all modalities, whose inner product obeys weights chosen at query time.

With unit blocks and weights a, b, c that add up to 1, a product is stored as ``[sqrt(a) t ; sqrt(b) i ; sqrt(c) r]``
and a query is ``[w_t/sqrt(a) t ; w_i/sqrt(b) i ; w_r/sqrt(c) r]``, which the database makes
(migrations/sql/0001/vectors.sql). Their inner product is ``w_t cos_t + w_i cos_i + w_r cos_r`` for any w: one index
serves every choice of weights.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
    rows = next(len(block) for block in blocks if block is not None)
    parts = [
        np.zeros((rows, length), dtype=np.float32) if block is None else block * np.float32(weight**0.5)
        for block, weight, length in zip(blocks, weights, dimensions, strict=True)
        if length
    ]
    return np.concatenate(parts, axis=1)
