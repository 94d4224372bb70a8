"""A small sample as the benchmarks read it: made-up products whose vectors lie in groups."""

import numpy as np

from benchmarks._sample import Sample

DIMENSIONS = 64
GROUPS = 12


def small_sample(rows: int) -> Sample:
    """Products of twelve kinds; every fortieth has no photograph."""
    random = np.random.default_rng(3)
    kinds = np.arange(rows) % GROUPS
    blocks = []
    for _ in range(2):
        units = random.standard_normal((GROUPS, DIMENSIONS))[kinds] + random.standard_normal((rows, DIMENSIONS))
        blocks.append((units / np.linalg.norm(units, axis=1, keepdims=True)).astype(np.float16))
    blocks[1][::40] = 0
    products = [
        {
            "sku": f"S{row}",
            "title": f"Product {row} of kind {kind}",
            "category": f"Kinds/Kind {kind}",
            "brand": "Acme",
            "price": float(row),
            "currency": "EUR",
            "in_stock": True,
            "attributes": {"kind": int(kind)},
        }
        for row, kind in enumerate(kinds)
    ]
    return Sample(products, blocks[0], blocks[1])
