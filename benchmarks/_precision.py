"""What an engine's rounding does to rows, to neighbours and to quality."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.engines import Engine
from backend.encoders.protocols import ImageEncoder, TextEncoder
from benchmarks._setup import show

QUERIES = 2_000
# Photographs that are decoded before they are encoded.
CHUNK = 256

Rows = NDArray[np.float32]


def precision(
    texts: Mapping[Engine, TextEncoder], images: Mapping[Engine, ImageEncoder], products: Sequence[dict[str, Any]]
) -> None:
    """Print, for each engine but torch, cosines with the fp32 rows and the share of the 5 nearest of the same kind.

    fp32 is OpenVINO's, which the tests hold to torch's; *mixed* asks with fp32 rows among the engine's.
    """
    kinds = np.array([product["kind"] for product in products])
    titles = [product["title"] for product in products]
    table = []
    for name, rows in {
        "titles": {engine: encoder.encode(titles) for engine, encoder in texts.items() if engine != "torch"},
        "images": {engine: photographs(encoder, products) for engine, encoder in images.items() if engine != "torch"},
    }.items():
        exact = rows["openvino"]
        for engine, found in rows.items():
            cosines = (exact * found).sum(axis=1)[exact.any(axis=1)]
            least, hundredth = cosines.min(), np.quantile(cosines, 0.01)
            shares = [share(queries, among, kinds) for queries, among in ((found, found), (exact, found))]
            table.append([name, engine, *(f"{value:.5f}" for value in (least, hundredth, cosines.mean())), *shares])
    head = ["", "engine", "least cosine", "1 % quantile", "mean", "P@5", "P@5 mixed"]
    show(f"{len(products)} products, {min(QUERIES, len(products))} queries", head, table)


def photographs(encoder: ImageEncoder, products: Sequence[dict[str, Any]]) -> Rows:
    """The rows of the products' photographs; a zero row where there is none."""
    rows = np.zeros((len(products), encoder.dimensions), dtype=np.float32)
    seen = [place for place, product in enumerate(products) if product["photograph"] is not None]
    for start in range(0, len(seen), CHUNK):
        chunk = seen[start : start + CHUNK]
        rows[chunk] = encoder.encode([encoder.prepare(content(products[place]["photograph"])) for place in chunk])
    return rows


def content(photograph: Path | bytes) -> bytes:
    """The file's bytes."""
    return photograph.read_bytes() if isinstance(photograph, Path) else photograph


def share(asking: Rows, among: Rows, kinds: NDArray[np.str_]) -> str:
    """Share of the 5 nearest of each query, itself excluded, that have its kind."""
    queries = np.random.default_rng(0).choice(len(kinds), min(QUERIES, len(kinds)), replace=False)
    scores = asking[queries] @ among.T
    scores[np.arange(len(queries)), queries] = -np.inf
    nearest = np.argpartition(-scores, 5, axis=1)[:, :5]
    return f"{(kinds[nearest] == kinds[queries][:, None]).mean():.4f}"
