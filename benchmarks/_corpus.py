"""What every engine is filled with, and the windows that the filtered queries ask for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks._measure import Truth
from benchmarks._sample import Floats, Sample

Ranks = NDArray[np.int64]
Field = Literal["scattered", "clustered"]


class Window(NamedTuple):
    """A filter: low <= field < high. A field is a permutation of 0..n-1, so the width is the number that match."""

    field: Field
    low: int
    high: int


@dataclass(frozen=True)
class Corpus:
    """n products: fused vectors (n, d) float32 and two numbers to filter by.

    ``scattered`` has nothing to do with the vectors. ``clustered`` is the place in a tree that halves the catalogue
    along the first principal axis of each part: products next to one another look alike.
    """

    sample: Sample
    seed: int = 0

    @cached_property
    def fused(self) -> Floats:
        """(n, d) float32, the values that the database stores as halves."""
        return np.ascontiguousarray(self.sample.fused.astype(np.float32))

    @cached_property
    def blocks(self) -> dict[str, Floats]:
        """The text and image vectors, float32."""
        return {name: getattr(self.sample, name).astype(np.float32) for name in ("text", "image")}

    @cached_property
    def titles(self) -> list[str]:
        """The payload that databases carry along."""
        return [product["title"] for product in self.sample.products]

    @cached_property
    def ranks(self) -> dict[Field, Ranks]:
        """Both fields, (n,) each."""
        random = np.random.default_rng(self.seed)
        return {"scattered": random.permutation(len(self.sample)), "clustered": _tree_order(self.fused, random)}

    def matches(self, window: Window | None, without: int) -> NDArray[np.bool_]:
        """(n,), which rows a filter allows; never the query itself."""
        allowed = np.ones(len(self.sample), dtype=np.bool_)
        if window is not None:
            ranks = self.ranks[window.field]
            allowed = (ranks >= window.low) & (ranks < window.high)
        allowed[without] = False
        return allowed

    def truth(self, row: int, k: int, window: Window | None = None) -> Truth:
        """The exact answer for "like this product"."""
        return Truth(self.fused @ self.fused[row], self.matches(window, row), k)

    def scattered(self, share: float, random: np.random.Generator) -> Window:
        """A window that knows nothing of the query."""
        width = max(1, round(share * len(self.sample)))
        low = int(random.integers(len(self.sample) - width + 1))
        return Window("scattered", low, low + width)

    def clustered(self, share: float, row: int, *, near: bool) -> Window:
        """The window of clustered products that on the mean are most, or least, like the query."""
        width = max(1, round(share * len(self.sample)))
        in_order = np.empty(len(self.sample))
        in_order[self.ranks["clustered"]] = self.fused @ self.fused[row]
        sums = np.concatenate([[0.0], np.cumsum(in_order)])
        means = sums[width:] - sums[:-width]
        low = int(np.argmax(means) if near else np.argmin(means))
        return Window("clustered", low, low + width)


def _tree_order(vectors: Floats, random: np.random.Generator) -> Ranks:
    # 64 random directions keep the large distances, which are all that the halving asks for.
    small = vectors @ random.standard_normal((vectors.shape[1], 64)).astype(np.float32)
    order = np.arange(len(small))
    parts = [(0, len(order))]
    while parts:
        first, last = parts.pop()
        if last - first <= 4:
            continue
        inside = order[first:last]
        centred = small[inside] - small[inside].mean(axis=0)
        axis = random.standard_normal(64).astype(np.float32)
        for _ in range(8):
            axis = centred.T @ (centred @ axis)
            axis /= max(float(np.linalg.norm(axis)), 1e-12)
        order[first:last] = inside[np.argsort(centred @ axis, kind="stable")]
        middle = (first + last) // 2
        parts += [(first, middle), (middle, last)]
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks
