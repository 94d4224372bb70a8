"""How good predicted stars are: functions of the confusion matrix, taken of one or of a thousand resamples at once.

Each is scikit-learn's of the same name (a test compares), which takes one matrix at a time and no stack of resamples.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backend.errors import InvalidInput

STARS = 5
NAMES = ("accuracy", "majority", "skill", "macro_f1", "mae", "quadratic_kappa", "within_one")
# Where a smaller number is the better one.
LOWER_IS_BETTER = frozenset({"mae"})

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PerClass:
    """One rating: ``support`` reviews have it and ``predicted`` were given it; shares from 0 to 1."""

    stars: int
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True, slots=True)
class Measures:
    """How predicted stars agree with the given ones, over ``n`` reviews.

    ``majority`` is the accuracy of always saying the most frequent rating (of the reviews measured), ``skill`` what of
    the way from there to 1 is covered: (accuracy - majority) / (1 - majority). ``mae`` is in stars; ``within_one`` the
    share that is at most one star off; ``macro_f1`` the mean over the ratings that occur, given or predicted;
    ``quadratic_kappa`` is Cohen's (1968) with squared distances as weights. ``confusion`` is (5, 5): given ratings in
    rows, predicted ones in columns, 1 to 5.
    """

    n: int
    accuracy: float
    majority: float
    skill: float
    macro_f1: float
    mae: float
    quadratic_kappa: float
    within_one: float
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[PerClass, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return asdict(self)


def measure(truth: ArrayLike, predicted: ArrayLike) -> Measures:
    """The measures of ``predicted`` (n,) against ``truth`` (n,), both whole stars from 1 to 5.

    Raises:
        InvalidInput: there are none, they differ in number, or one is no rating.
    """
    confusion = count_confusion(truth, predicted)
    found = of_confusion(confusion)
    precision, recall, f1 = per_class_scores(confusion)
    given, said = confusion.sum(1), confusion.sum(0)
    return Measures(
        n=int(confusion.sum()),
        **{name: float(found[name]) for name in NAMES},
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        per_class=tuple(
            PerClass(
                star + 1,
                float(precision[star]),
                float(recall[star]),
                float(f1[star]),
                int(given[star]),
                int(said[star]),
            )
            for star in range(STARS)
        ),
    )


def count_confusion(truth: ArrayLike, predicted: ArrayLike) -> NDArray[np.int64]:
    """(5, 5) int64 counts: row = given star - 1, column = predicted star - 1.

    Raises:
        InvalidInput: see ``measure``.
    """
    rows, columns = _stars(truth, "truth"), _stars(predicted, "predicted")
    if len(rows) != len(columns):
        raise InvalidInput(
            f"{len(rows)} given ratings, but {len(columns)} predicted: each needs one", field="predicted"
        )
    if not len(rows):
        raise InvalidInput("there is no rating to measure: give one review at least", field="truth")
    return np.bincount(rows * STARS + columns, minlength=STARS**2).reshape(STARS, STARS).astype(np.int64)


def of_confusion(confusion: NDArray[Any]) -> dict[str, Floats]:
    """The measures ``NAMES`` of confusion matrices (..., 5, 5), each of shape (...); nan where one has no reviews."""
    counts = np.asarray(confusion, dtype=np.float64)
    total = counts.sum((-2, -1))
    given, said = counts.sum(-1), counts.sum(-2)
    distance = np.abs(np.subtract.outer(np.arange(STARS), np.arange(STARS))).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        accuracy = np.trace(counts, axis1=-2, axis2=-1) / total
        majority = given.max(-1) / total
        # All of one rating: nothing is left to be skilled at.
        skill = np.where(majority < 1, (accuracy - majority) / (1 - majority), 0.0)
        by_chance = np.einsum("...i,...j,ij->...", given, said, distance**2) / total
        observed = (counts * distance**2).sum((-2, -1))
        # All of one rating, and so predicted: no agreement beyond chance is possible, nor any error.
        kappa = np.where(by_chance > 0, 1 - observed / by_chance, np.where(total > 0, 0.0, np.nan))
        mae = (counts * distance).sum((-2, -1)) / total
        within_one = (counts * (distance <= 1)).sum((-2, -1)) / total
    f1 = per_class_scores(counts)[2]
    occur = (given + said) > 0
    macro = np.where(occur, f1, 0).sum(-1) / np.maximum(occur.sum(-1), 1)
    return {
        "accuracy": accuracy,
        "majority": majority,
        "skill": np.where(total > 0, skill, np.nan),
        "macro_f1": np.where(total > 0, macro, np.nan),
        "mae": mae,
        "quadratic_kappa": kappa,
        "within_one": within_one,
    }


def per_class_scores(confusion: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of each rating, (..., 5); 0 where there is nothing to divide by."""
    counts = np.asarray(confusion, dtype=np.float64)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    given, said = counts.sum(-1), counts.sum(-2)
    return (
        right / np.where(said > 0, said, 1),
        right / np.where(given > 0, given, 1),
        2 * right / np.where(given + said > 0, given + said, 1),
    )


def _stars(values: ArrayLike, field: str) -> NDArray[np.int64]:
    given = np.asarray(values)
    stars = given.astype(np.int64) if given.size else np.zeros(0, dtype=np.int64)
    if given.ndim != 1 or (stars != given).any() or ((stars < 1) | (stars > STARS)).any():
        raise InvalidInput("ratings are whole stars from 1 to 5, one a review", field=field)
    return stars - 1
