"""Intervals around measures, and around the difference of two models on the same reviews, by a cluster bootstrap.

The means of ``evaluation.intervals`` would do for accuracy and MAE; kappa, skill and macro-F1 are no means, so whole
confusion matrices are drawn here. Accuracy and MAE get the intervals that ``intervals.estimate`` gives.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backend.errors import InvalidInput
from backend.evaluation.intervals import LEVEL, RESAMPLES, Estimate
from backend.ratings.measures import NAMES, STARS, count_confusion, of_confusion

# Resamples are drawn so many at a time: 20,000 products take 16 MB.
_AT_ONCE = 100


def interval(
    truth: ArrayLike,
    predicted: ArrayLike,
    units: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Each measure of ``measures.NAMES`` with its interval; arguments as in ``compare``."""
    matrices, _ = _by_unit(truth, predicted, units)
    drawn = _drawn([matrices], resamples, seed)[0]
    return _estimates(of_confusion(matrices.sum(0)), drawn, level, len(np.asarray(truth)))


def compare(
    truth: ArrayLike,
    ours: ArrayLike,
    theirs: ArrayLike,
    units: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Each measure's paired difference, ours minus theirs, with a percentile interval.

    Units are drawn with replacement, the same for both models, and the measures taken over all reviews of the drawn
    ones (Davison and Hinkley, Bootstrap Methods and their Application, 3.8).

    Args:
        truth: (n,) given stars, 1 to 5.
        ours: (n,) stars that one model predicts.
        theirs: (n,) stars that the other one predicts for the same reviews.
        units: (n,) what a review belongs to: its product.
        resamples: how many resamples are drawn.
        level: the share of the drawn differences that lies inside the interval.
        seed: the same arguments and seed give the same intervals.

    Raises:
        InvalidInput: the arguments differ in length, are empty, or hold what is no rating.
    """
    first, places = _by_unit(truth, ours, units)
    second, _ = _by_unit(truth, theirs, units, places)
    one, other = _drawn([first, second], resamples, seed)
    point, rival = of_confusion(first.sum(0)), of_confusion(second.sum(0))
    return _estimates(
        {name: point[name] - rival[name] for name in NAMES},
        {name: one[name] - other[name] for name in NAMES},
        level,
        len(np.asarray(truth)),
    )


def _by_unit(
    truth: ArrayLike,
    predicted: ArrayLike,
    units: Sequence[Hashable],
    places: dict[Hashable, int] | None = None,
) -> tuple[NDArray[np.float64], dict[Hashable, int]]:
    """(units, 5, 5) counts, and which unit has which place."""
    count_confusion(truth, predicted)  # Raises for what is no rating.
    given, said = np.asarray(truth, dtype=np.int64) - 1, np.asarray(predicted, dtype=np.int64) - 1
    if len(units) != len(given):
        raise InvalidInput(f"{len(given)} reviews, but {len(units)} units: each needs one", field="units")
    places = {} if places is None else places
    which = np.array([places.setdefault(unit, len(places)) for unit in units])
    cells = STARS * STARS
    counts = np.bincount(which * cells + given * STARS + said, minlength=len(places) * cells)
    return counts.reshape(len(places), STARS, STARS).astype(np.float64), places


def _drawn(matrices: Sequence[NDArray[np.float64]], resamples: int, seed: int) -> list[dict[str, NDArray[np.float64]]]:
    """Of each model the measures of the same resamples."""
    if resamples < 1:
        raise InvalidInput(f"resamples is {resamples}, but must be 1 or more", field="resamples")
    random = np.random.default_rng(seed)
    count = len(matrices[0])
    shares = np.full(count, 1 / count)
    sums: list[list[NDArray[np.float64]]] = [[] for _ in matrices]
    for start in range(0, resamples, _AT_ONCE):
        times = random.multinomial(count, shares, size=min(_AT_ONCE, resamples - start)).astype(np.float64)
        for model, of_units in zip(sums, matrices, strict=True):
            model.append((times @ of_units.reshape(count, -1)).reshape(-1, STARS, STARS))
    return [of_confusion(np.concatenate(model)) for model in sums]


def _estimates(
    point: dict[str, NDArray[np.float64]], drawn: dict[str, NDArray[np.float64]], level: float, n: int
) -> dict[str, Estimate]:
    ends = [50 * (1 - level), 50 * (1 + level)]
    bounds = {name: np.percentile(drawn[name], ends) for name in NAMES}
    return {name: Estimate(float(point[name]), float(bounds[name][0]), float(bounds[name][1]), n) for name in NAMES}
