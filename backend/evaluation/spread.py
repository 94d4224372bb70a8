"""What lists are like beside being right: how much of a catalogue they show, how unlike and how little known it is."""

from collections.abc import Hashable, Mapping, Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray

from backend.errors import InvalidInput
from backend.evaluation.intervals import Estimate

# Two-sided 95 % of a normal distribution, for the one interval that is not a bootstrap's.
NORMAL_95 = 1.959964


def diversity(rows: NDArray[np.float32]) -> float | None:
    """1 less the mean cosine over all pairs of a list's products; None where fewer than two have vectors.

    Intra-list diversity (Ziegler and others, Improving recommendation lists through topic diversification, WWW 2005,
    as 1 less their intra-list similarity). 0: all the same; above 1 where vectors point away from each other.

    Args:
        rows: (n, d) float32, the products' vectors of any length; zero rows are left out.
    """
    lengths = np.linalg.norm(rows, axis=1)
    units = rows[lengths > 0] / lengths[lengths > 0, None]
    count = len(units)
    if count < 2:
        return None
    # The square of the sum is the sum over all pairs, both ways, and over each with itself.
    total = units.sum(axis=0, dtype=np.float64)
    return 1 - (float(total @ total) - count) / (count * (count - 1))


class Popularity:
    """How many people each product is known by, and what that says of a product's novelty."""

    def __init__(self, people: Mapping[int, int], products: int) -> None:
        """``people`` by product id, those of 0 left out; ``products`` in the catalogue."""
        self._people = people
        self._total = sum(people.values()) + products

    def __bool__(self) -> bool:
        return bool(self._people)

    def of(self, product_id: int) -> int:
        """People who are known to have had to do with it."""
        return self._people.get(product_id, 0)

    def novelty(self, product_ids: Sequence[int]) -> float | None:
        """The mean of -log2 of each product's share of all signals, in bits; None of an empty list.

        Mean self-information (Zhou and others, Solving the apparent diversity-accuracy dilemma, PNAS 107, 2010), with
        shares of (people + 1) / (all people + products), so that a product that nobody knows has a finite one.
        """
        if not product_ids:
            return None
        return sum(-log2((self.of(one) + 1) / self._total) for one in product_ids) / len(product_ids)

    def ranked(self) -> list[int]:
        """The products that somebody knows, most people first, ties by id."""
        return sorted(self._people, key=lambda product: (-self._people[product], product))


def coverage(lists: Sequence[Sequence[int]], units: Sequence[Hashable], products: int) -> Estimate | None:
    """The share of a catalogue's ``products`` that is in at least one of the lists, one of which each unit asked for.

    Catalogue coverage (Ge and others, Beyond accuracy, RecSys 2010). A bootstrap draws some units twice and others
    never, so all its shares are too small; the interval is the jackknife's instead, one unit left out at a time
    (Heltshe and Forrester, Estimating species richness using the jackknife procedure, Biometrics 39, 1983): to leave a
    unit out costs the products that nobody else was shown.

    Raises:
        InvalidInput: lists and units differ in number.
    """
    if len(lists) != len(units):
        raise InvalidInput(f"{len(lists)} lists, but {len(units)} units: each list needs one", field="units")
    if not lists or not products:
        return None
    shown_by: dict[int, Hashable] = {}
    shared: set[int] = set()
    for shown, unit in zip(lists, units, strict=True):
        for product in shown:
            if shown_by.setdefault(product, unit) != unit:
                shared.add(product)
    own: dict[Hashable, int] = dict.fromkeys(units, 0)
    for product, unit in shown_by.items():
        own[unit] += product not in shared
    share = len(shown_by) / products
    lost = np.array(list(own.values())) / products
    error = float(np.sqrt((len(lost) - 1) * lost.var())) if len(lost) > 1 else 0.0
    low, high = max(0.0, share - NORMAL_95 * error), min(1.0, share + NORMAL_95 * error)
    return Estimate(share, low, high, len(lists))
