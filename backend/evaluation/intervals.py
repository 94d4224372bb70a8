"""Means with bootstrap intervals."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backend.errors import InvalidInput

RESAMPLES = 1_000
LEVEL = 0.95
# Resamples are drawn so many at a time, so that 20,000 queries take no more than some 20 MB.
_AT_ONCE = 100


@dataclass(frozen=True)
class Estimate:
    """A mean over ``n`` queries and the bootstrap interval ``low`` to ``high`` around it, all in the measure's unit."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0: for a difference, whether it is more than chance."""
        return self.low > 0 or self.high < 0


def estimate(
    values: ArrayLike,
    units: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate | None:
    """The mean of ``values`` with a percentile interval of the bootstrap; None without a value.

    Units are drawn with replacement, as many as there are, and the mean is taken over all values of the drawn ones
    (Efron and Tibshirani, An Introduction to the Bootstrap, 13.3; for units of several values Davison and Hinkley,
    Bootstrap Methods and their Application, 3.8). A paired difference is the estimate of the queries' differences.

    Args:
        values: (n,) one number a query.
        units: (n,) what a query belongs to, when queries are not independent, such as its variant group;
            None: each query stands alone.
        resamples: how many means are drawn.
        level: the share of the drawn means that lies inside the interval, 0 to 1.
        seed: the same values, units and seed give the same interval.

    Raises:
        InvalidInput: values and units differ in number, or there are no resamples.
    """
    numbers: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if units is not None and len(units) != len(numbers):
        raise InvalidInput(f"{len(numbers)} values, but {len(units)} units: each value needs one", field="units")
    if resamples < 1:
        raise InvalidInput(f"resamples is {resamples}, but must be 1 or more", field="resamples")
    if not len(numbers):
        return None
    places: dict[Hashable, int] = {}
    which = np.array([places.setdefault(unit, len(places)) for unit in units or range(len(numbers))])
    sums = np.bincount(which, weights=numbers)
    counts = np.bincount(which).astype(np.float64)
    random = np.random.default_rng(seed)
    shares = np.full(len(counts), 1 / len(counts))
    means: list[NDArray[np.float64]] = []
    for start in range(0, resamples, _AT_ONCE):
        drawn = random.multinomial(len(counts), shares, size=min(_AT_ONCE, resamples - start))
        means.append((drawn @ sums) / (drawn @ counts))
    low, high = np.percentile(np.concatenate(means), [50 * (1 - level), 50 * (1 + level)])
    return Estimate(float(numbers.mean()), float(low), float(high), len(numbers))
