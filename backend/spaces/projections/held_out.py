"""A learned projection judged on products that it was not trained on, with all their kin."""

import numpy as np
from numpy.typing import NDArray

from backend.spaces.fusion import Vectors
from backend.spaces.projections.links import Indices, Links

SHARE = 0.05
# Standard errors of a share over so many queries are about .015.
MOST = 1_000
FEWEST = 50
TYPES_AT, VARIANTS_AT = 5, 10
# Queries whose likenesses to all products are in memory at once.
CHUNK = 256


def part(kin: Indices, seed: int) -> tuple[Indices, Indices]:
    """The places of training and of judging; kin stay on one side. Too few products to judge: none does."""
    size = min(MOST, int(SHARE * len(kin)))
    if size < FEWEST:
        return np.arange(len(kin)), np.zeros(0, dtype=np.int64)
    parts, sizes = np.unique(kin, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(parts))
    # A part so large that it would be the whole judgement stays in training.
    order = order[sizes[order] <= size // 4 + 1]
    taken = order[np.cumsum(sizes[order]) <= size]
    apart = np.isin(kin, parts[taken])
    return np.flatnonzero(~apart), np.flatnonzero(apart)


def judge(rows: Vectors, queries: Indices, links: Links) -> dict[str, float | int | None]:
    """What ``queries`` find among all products by (n, d) rows' inner product, themselves apart.

    ``same_category_at_5`` is the share of the first 5 that are of the query's category; ``variants_at_10`` the share of
    its variants that are among the first 10. Queries without the link, or without a row, do not count; None: no query
    counts.
    """
    types: list[float] = []
    variants: list[float] = []
    queries = queries[rows[queries].any(axis=1)]
    for start in range(0, len(queries), CHUNK):
        asked = queries[start : start + CHUNK]
        alike = rows[asked] @ rows.T
        alike[np.arange(len(asked)), asked] = -np.inf
        # Where there are few products, not so far that a query would find itself after all.
        found = np.argsort(-alike, axis=1, kind="stable")[:, : min(VARIANTS_AT, len(rows) - 1)]
        types += _types(found, asked, links.categories)
        variants += _variants(found, asked, links.groups)
    return {
        "same_category_at_5": _mean(types),
        "category_queries": len(types),
        "variants_at_10": _mean(variants),
        "variant_queries": len(variants),
    }


def _types(found: Indices, asked: Indices, categories: Indices) -> list[float]:
    same = (categories[found[:, :TYPES_AT]] == categories[asked][:, None]).mean(axis=1)
    return [float(share) for share in same[categories[asked] >= 0]]


def _variants(found: Indices, asked: Indices, groups: Indices) -> list[float]:
    hits: NDArray[np.int64] = (groups[found] == groups[asked][:, None]).sum(axis=1)
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    return [
        float(hit / min(VARIANTS_AT, sizes[group] - 1))
        for hit, group in zip(hits, groups[asked], strict=True)
        if group >= 0 and sizes[group] > 1
    ]


def _mean(values: list[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None
