"""What says that products belong together: the lessons of a learned projection, and the judges of any."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]  # The package ships no types.

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Links:
    """Links among n products, which go by their place from 0.

    ``groups`` and ``categories`` are (n,) numbers, equal for products of one variant group or category and -1 for those
    of none; ``bought`` is (m, 2), pairs of products that somebody bought both of.
    """

    groups: Indices
    categories: Indices
    bought: Indices

    @classmethod
    def of(
        cls,
        groups: Sequence[str | None],
        categories: Sequence[str | None],
        bought: Sequence[tuple[int, int]] = (),
    ) -> "Links":
        """From the names of groups and categories."""
        pairs = np.array(bought, dtype=np.int64).reshape(-1, 2)
        return cls(_numbered(groups), _numbered(categories), pairs)

    def __len__(self) -> int:
        return len(self.groups)

    def among(self, kept: Indices) -> "Links":
        """Those among the products ``kept``, which go by their place there."""
        place = np.full(len(self), -1)
        place[kept] = np.arange(len(kept))
        pairs = place[self.bought]
        return Links(self.groups[kept], self.categories[kept], pairs[(pairs >= 0).all(axis=1)])

    def counts(self) -> dict[str, int]:
        """How many products have at least one link of each kind."""
        kinds = (("variants", self.groups), ("categories", self.categories))
        return {name: int(_companions(numbers).sum()) for name, numbers in kinds} | {
            "bought together": len(np.unique(self.bought))
        }

    def kin(self, same: Indices | None = None) -> Indices:
        """(n,) numbers of the parts that neither a variant group nor ``same``, such as one photograph, joins."""
        count = len(self)
        edges = [_edges(self.groups)] + ([] if same is None else [_edges(same)])
        ends = np.concatenate(edges)
        graph = sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
        _, parts = sparse.csgraph.connected_components(graph, directed=False)
        numbers: Indices = parts.astype(np.int64)
        return numbers

    def adjacency(self) -> sparse.csr_array:
        """(n, n) float32: 1 where two products were bought together."""
        both = np.concatenate([self.bought, self.bought[:, ::-1]])
        graph = sparse.coo_array(
            (np.ones(len(both), dtype=np.float32), (both[:, 0], both[:, 1])), shape=(len(self), len(self))
        ).tocsr()
        graph.data[:] = 1
        graph.setdiag(0)
        graph.eliminate_zeros()
        return graph


def _numbered(names: Sequence[str | None]) -> Indices:
    numbers: dict[str, int] = {}
    return np.array([-1 if name is None else numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _companions(numbers: Indices) -> NDArray[np.bool_]:
    """Which products have another of their number."""
    if not len(numbers):
        return np.zeros(0, dtype=bool)
    _, place, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
    return (numbers >= 0) & (sizes[place] > 1)


def _edges(numbers: Indices) -> Indices:
    """(m, 2) links that join the products of one number in a chain."""
    order = np.argsort(numbers, kind="stable")
    ends = np.stack([order[:-1], order[1:]], axis=1)
    linked: Indices = ends[(numbers[ends[:, 0]] == numbers[ends[:, 1]]) & (numbers[ends[:, 0]] >= 0)]
    return linked
