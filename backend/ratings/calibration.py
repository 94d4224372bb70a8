"""Whether probabilities mean what they say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backend.errors import InvalidInput
from backend.ratings.models import STARS

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """``n`` reviews whose highest probability lies from ``low`` to ``high``: its mean, and the share that was right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """``ece``: expected calibration error of the most probable rating, over bins of equal width (Guo et al. 2017).

    ``brier``: mean squared distance of a row to the given rating's, 0 to 2 (Brier 1950). ``log_loss``: mean negative
    log of the given rating's probability, in nats. Bins without reviews are left out.
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float
    log_loss: float


def calibrate(truth: ArrayLike, probabilities: NDArray[np.float64], bins: int = BINS) -> Calibration:
    """How well rows of ``probabilities`` (n, 5) fit the given stars ``truth`` (n,), 1 to 5.

    Raises:
        InvalidInput: there are none, or they differ in number.
    """
    given = np.asarray(truth, dtype=np.int64) - 1
    if probabilities.shape != (len(given), STARS) or not len(given):
        raise InvalidInput(f"probabilities must be of shape ({len(given)}, {STARS}), not empty", field="probabilities")
    top = probabilities.max(1)
    right = probabilities.argmax(1) == given
    edges = np.linspace(0, 1, bins + 1)
    # A probability on an edge belongs to the bin below, and so does 1.
    which = np.clip(np.digitize(top, edges, right=True) - 1, 0, bins - 1)
    found = []
    for number in range(bins):
        inside = which == number
        if inside.any():
            share, confidence = float(right[inside].mean()), float(top[inside].mean())
            found.append(Bin(float(edges[number]), float(edges[number + 1]), int(inside.sum()), confidence, share))
    ece = sum(one.n * abs(one.accuracy - one.confidence) for one in found) / len(given)
    brier = float(((probabilities - np.eye(STARS)[given]) ** 2).sum(1).mean())
    return Calibration(tuple(found), ece, brier, log_loss(truth, probabilities))


def log_loss(truth: ArrayLike, probabilities: NDArray[np.float64]) -> float:
    """Mean negative log of the given rating's probability, in nats; a probability under 1e-12 counts as that."""
    given = np.asarray(truth, dtype=np.int64) - 1
    return float(-np.log(np.maximum(probabilities[np.arange(len(given)), given], 1e-12)).mean())
