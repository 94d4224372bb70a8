"""Stars that a product is expected to get from what it says and shows, before anybody reviewed it.

Ridge regression from the product's vectors to the shares of 1, 2, ... 5 stars among its reviews. What a product is
says little of how it will be liked, so the question is always whether this beats the mean of all products: how strongly
to shrink towards that mean is chosen inside the training folds, and the error is measured on products of other folds.
Where it is not better than the mean by more than chance, the mean is what the model says.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.errors import Conflict, InvalidInput
from backend.ratings.measures import STARS

Floats = NDArray[np.float64]

FOLDS = 5
# Shrinkage in units of the mean eigenvalue, from hardly any to the mean alone.
STRENGTHS = (*(10.0**power for power in np.arange(-2.0, 3.6, 0.5)), np.inf)
# A product's mean of n reviews counts n / (n + 10): single reviews scatter about ten times as much as products do.
REVIEWS_OF_HALF_WEIGHT = 10.0
LEAST_PRODUCTS = 20
_STARS = np.arange(1.0, STARS + 1)


@dataclass(frozen=True)
class Moments:
    """Weighted sums over products: ``rows`` (d+1, d+1) of features with a 1 behind, ``shares`` (d+1, 5), ``squares``
    of mean stars. They add up, so that any set of folds is at hand without its products."""

    rows: Floats
    shares: Floats
    squares: float

    @classmethod
    def of(cls, features: Floats, counts: Floats) -> "Moments":
        """The sums over products with ``features`` (n, d) and ``counts`` (n, 5) of reviews by stars."""
        shares, weights = counts / counts.sum(1, keepdims=True), weigh(counts)
        rows = np.hstack([features, np.ones((len(features), 1))])
        weighted = rows * weights[:, None]
        return cls(weighted.T @ rows, weighted.T @ shares, float(weights @ (shares @ _STARS) ** 2))

    @classmethod
    def none(cls, dimensions: int) -> "Moments":
        """The sums over no product."""
        return cls(np.zeros((dimensions + 1, dimensions + 1)), np.zeros((dimensions + 1, STARS)), 0.0)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.rows + other.rows, self.shares + other.shares, self.squares + other.squares)

    def error(self, coefficients: Floats) -> float:
        """Weighted sum of squared errors of expected stars under ``coefficients`` (d+1, 5)."""
        stars = coefficients @ _STARS
        return float(stars @ self.rows @ stars - 2 * stars @ (self.shares @ _STARS) + self.squares)


@dataclass(frozen=True)
class ProductRidge:
    """``coefficients`` (d+1, 5) float64, the last row the intercept; features are a space's text and image blocks."""

    coefficients: Floats
    space_id: int
    text_dimensions: int
    image_dimensions: int

    def probabilities(self, features: Floats) -> Floats:
        """(n, 5): of each product the shares of 1 to 5 stars to be expected, rows that sum to 1.

        ``features`` is (n, text_dimensions + image_dimensions + 2), as ``join`` makes it.
        """
        shares = features @ self.coefficients[:-1] + self.coefficients[-1]
        # A line knows no bounds: what falls below 0 is 0, and the rest shares its part.
        shares = np.maximum(shares, 0)
        found: Floats = shares / shares.sum(1, keepdims=True)
        return found

    def to_bytes(self) -> bytes:
        """The model as safetensors."""
        about = {"space_id": self.space_id, "text": self.text_dimensions, "image": self.image_dimensions}
        tensors = {"coefficients": np.ascontiguousarray(self.coefficients)}
        written: bytes = save(tensors, metadata={"product-ridge": json.dumps(about)})
        return written

    @classmethod
    def from_bytes(cls, content: bytes) -> "ProductRidge":
        """The model back from ``to_bytes``.

        Raises:
            Conflict: these are not the bytes of such a model.
        """
        try:
            coefficients = load(content)["coefficients"]
            size = int.from_bytes(content[:8], "little")
            about = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["product-ridge"])
            return cls(coefficients, about["space_id"], about["text"], about["image"])
        except (SafetensorError, KeyError, ValueError) as error:
            raise Conflict(f"these are not the bytes of a product-ridge model: {error!r}") from error


def join(
    texts: Sequence[NDArray[np.floating] | None],
    images: Sequence[NDArray[np.floating] | None],
    text_dimensions: int,
    image_dimensions: int,
) -> Floats:
    """(n, text + image + 2) features: the two blocks, zeros where one is missing, and whether each is there."""
    joined = np.zeros((len(texts), text_dimensions + image_dimensions + 2))
    for row, (text, image) in enumerate(zip(texts, images, strict=True)):
        if text is not None:
            joined[row, :text_dimensions] = text
            joined[row, -2] = 1
        if image is not None:
            joined[row, text_dimensions:-2] = image
            joined[row, -1] = 1
    return joined


def weigh(counts: Floats) -> Floats:
    """(n,) what the mean of a product with ``counts`` (n, 5) of reviews is worth, 0 to 1."""
    numbers = counts.sum(1)
    weights: Floats = numbers / (numbers + REVIEWS_OF_HALF_WEIGHT)
    return weights


def fit_ridge(folds: Sequence[Moments]) -> tuple[Floats, float]:
    """Coefficients (d+1, 5) learnt on all folds, and the strength that leaving out one fold at a time chose.

    Raises:
        InvalidInput: there are fewer than two folds to choose by.
    """
    if len(folds) < 2:
        raise InvalidInput(f"{len(folds)} folds cannot choose a strength: 2 or more are needed", field="folds")
    errors = np.zeros(len(STRENGTHS))
    for number, held in enumerate(folds):
        paths = _paths(_sum([fold for place, fold in enumerate(folds) if place != number]))
        errors += [held.error(coefficients) for coefficients in paths]
    best = int(errors.argmin())
    return _paths(_sum(folds))[best], STRENGTHS[best]


def mean_only(folds: Sequence[Moments]) -> Floats:
    """Coefficients (d+1, 5) of what knows nothing of a product: the mean shares of stars."""
    return _paths(_sum(folds))[-1]


def _sum(folds: Sequence[Moments]) -> Moments:
    whole = folds[0]
    for fold in folds[1:]:
        whole = whole + fold
    return whole


def _paths(moments: Moments) -> list[Floats]:
    """The coefficients at each strength, from one eigendecomposition (Hastie et al., Elements, 3.4.1)."""
    weight = moments.rows[-1, -1]
    mean, shares = moments.rows[:-1, -1] / weight, moments.shares[-1] / weight
    centred = moments.rows[:-1, :-1] - weight * np.outer(mean, mean)
    values, vectors = np.linalg.eigh(centred)
    projected = vectors.T @ (moments.shares[:-1] - weight * np.outer(mean, shares))
    unit = max(float(np.trace(centred)) / len(mean), 1e-12)
    found = []
    for strength in STRENGTHS:
        slopes = vectors @ (projected / (np.maximum(values, 0) + strength * unit)[:, None])
        found.append(np.vstack([slopes, shares - mean @ slopes]))
    return found
