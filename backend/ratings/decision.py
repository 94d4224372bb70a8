"""Which one rating a distribution becomes: the one of least expected cost, with a little weight for rare ratings.

The most probable rating misses fewest but is often far off; the median is near but misses more. So it costs half a star
to miss at all and half a star for each star of distance. Both rarely say two stars where five are frequent, which costs
agreement (kappa): a rating's probability is first divided by its frequency to the power ``rarity``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.ratings.measures import measure
from backend.ratings.models import STARS

Floats = NDArray[np.float64]
MISS = 0.5
RARITIES = (0.0, 0.1, 0.2, 0.3)
# With fewer, what validation would choose is chance.
LEAST_REVIEWS = 200


@dataclass(frozen=True, slots=True)
class Decision:
    """``miss`` is the weight of a miss, 1 minus it a star's; ``frequencies`` (5,) are the training's."""

    miss: float = MISS
    rarity: float = 0.0
    frequencies: tuple[float, ...] = (1.0,) * STARS

    def stars(self, probabilities: Floats) -> NDArray[np.int64]:
        """(n,) stars from 1 to 5 for rows (n, 5)."""
        distance = np.abs(np.subtract.outer(np.arange(STARS), np.arange(STARS)))
        cost = self.miss * (distance > 0) + (1 - self.miss) * distance
        frequent = np.maximum(np.array(self.frequencies), 1e-3)
        found: NDArray[np.int64] = (probabilities * frequent**-self.rarity @ cost).argmin(1) + 1
        return found


def choose_decision(probabilities: Floats, targets: NDArray[np.int64], learnt: NDArray[np.int64]) -> Decision:
    """The rarity of highest quadratic kappa on validation reviews, among those that are as accurate as the best.

    As accurate: not more than one standard error of the paired difference below (after the one-standard-error rule of
    Breiman et al. 1984, 3.4.3).

    Args:
        probabilities: (n, 5) of the validation reviews.
        targets: (n,) their classes, 0 to 4.
        learnt: the training reviews' classes.
    """
    if len(targets) < LEAST_REVIEWS:
        return Decision()
    frequencies = tuple(float(share) for share in np.bincount(learnt, minlength=STARS) / len(learnt))
    tried = [Decision(MISS, rarity, frequencies) for rarity in RARITIES]
    said = [decision.stars(probabilities) for decision in tried]
    right = np.array([stars == targets + 1 for stars in said], dtype=np.float64)
    less = right[right.mean(1).argmax()] - right
    allowed = less.mean(1) <= less.std(1) / np.sqrt(len(targets))
    kappas = [measure(targets + 1, stars).quadratic_kappa for stars in said]
    return tried[int(np.where(allowed, kappas, -np.inf).argmax())]
