"""Two models' probabilities as one, their weights and the ratings' offsets learnt on the validation part.

log p = softmax(sum of w_m log p_m + b): a weighted geometric mean with an offset for each rating, which also calibrates
(matrix-free vector scaling, Guo et al. 2017, over a logarithmic opinion pool, Genest and Zidek 1986).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.ratings.models import STARS

Floats = NDArray[np.float64]
# Probabilities below this are as good as none.
LEAST = 1e-4
# What a unit of w or b away from the first model alone costs, in nats: little beside a thousand reviews, much beside
# ten.
PULL = 5.0


def stack(parts: Sequence[Floats], weights: Floats, offsets: Floats) -> Floats:
    """(n, 5) rows that sum to 1 from models' (n, 5) ``parts``, ``weights`` (models,) and ``offsets`` (5,)."""
    scores = sum((weight * _logs(part) for weight, part in zip(weights, parts, strict=True)), offsets[None, :])
    powers = np.exp(scores - scores.max(1, keepdims=True))
    rows: Floats = powers / powers.sum(1, keepdims=True)
    return rows


def fit_stack(parts: Sequence[Floats], targets: NDArray[np.int64], pull: float = PULL) -> tuple[Floats, Floats]:
    """Weights (models,), none negative, and offsets (5,) that make the targets (n,), classes 0 to 4, likeliest.

    Drawn to the first model alone, so that few reviews change little. The same arguments give the same numbers.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]  # The package ships no types.

    logs = np.stack([_logs(part) for part in parts])
    models = len(parts)
    start = np.concatenate([np.eye(models)[0], np.zeros(STARS)])
    truth = np.eye(STARS)[targets]

    def cost(parameters: Floats) -> tuple[float, Floats]:
        scores = np.tensordot(parameters[:models], logs, 1) + parameters[models:]
        scores = scores - scores.max(1, keepdims=True)
        total = np.log(np.exp(scores).sum(1, keepdims=True))
        away = parameters - start
        value = float((total[:, 0] - (scores * truth).sum(1)).sum() + pull * (away**2).sum())
        wrong = np.exp(scores - total) - truth
        slope = np.concatenate([(logs * wrong).sum((1, 2)), wrong.sum(0)]) + 2 * pull * away
        return value, slope

    bounds = [(0.0, None)] * models + [(None, None)] * STARS
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found[:models], found[models:]


def _logs(part: Floats) -> Floats:
    return np.log(np.maximum(part, LEAST))
