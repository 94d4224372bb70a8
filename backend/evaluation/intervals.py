"""Means with bootstrap intervals."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

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
    return estimates(numbers.reshape(-1, 1), units, resamples=resamples, level=level, seed=seed)[0]


def estimates(
    columns: ArrayLike,
    units: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> list[Estimate | None]:
    """``estimate`` of each of the (n, m) columns, by the same drawn units for all, which costs little more than one.

    NaN is no value: a column's mean is over those it has, and a drawn sample without any is left out of its interval.
    Raises as ``estimate`` does.
    """
    numbers: NDArray[np.float64] = np.asarray(columns, dtype=np.float64)
    if units is not None and len(units) != len(numbers):
        raise InvalidInput(f"{len(numbers)} values, but {len(units)} units: each value needs one", field="units")
    if resamples < 1:
        raise InvalidInput(f"resamples is {resamples}, but must be 1 or more", field="resamples")
    there = ~np.isnan(numbers)
    if not there.any():
        return [None] * numbers.shape[1]
    places: dict[Hashable, int] = {}
    which = np.array([places.setdefault(unit, len(places)) for unit in units or range(len(numbers))])
    sums, counts = _by_unit(np.where(there, numbers, 0.0), which, len(places)), _by_unit(there, which, len(places))
    random = np.random.default_rng(seed)
    shares = np.full(len(places), 1 / len(places))
    means: list[NDArray[np.float64]] = []
    for start in range(0, resamples, _AT_ONCE):
        drawn = random.multinomial(len(places), shares, size=min(_AT_ONCE, resamples - start)).astype(np.float64)
        valued = drawn @ counts
        means.append(np.where(valued > 0, (drawn @ sums) / np.maximum(valued, 1), np.nan))
    drawn_means = np.concatenate(means)
    found: list[Estimate | None] = []
    for column in range(numbers.shape[1]):
        kept = numbers[there[:, column], column]
        known = drawn_means[~np.isnan(drawn_means[:, column]), column]
        if not len(kept):
            found.append(None)
            continue
        low, high = np.percentile(known, [50 * (1 - level), 50 * (1 + level)]) if len(known) else [kept.mean()] * 2
        found.append(Estimate(float(kept.mean()), float(low), float(high), len(kept)))
    return found


def _by_unit(values: NDArray[Any], which: NDArray[np.int64], units: int) -> NDArray[np.float64]:
    """(units, m) sums over the rows of each unit."""
    total = np.zeros((units, values.shape[1]))
    np.add.at(total, which, values)
    return total
