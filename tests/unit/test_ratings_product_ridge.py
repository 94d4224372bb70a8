"""Expected stars of products: found where there is something to be found, the mean where there is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.errors import Conflict, InvalidInput
from backend.ratings.product_ridge import (
    STRENGTHS,
    Moments,
    ProductRidge,
    fit_ridge,
    join,
    mean_only,
    weigh,
)

STARS = np.arange(1.0, 6)


def products(number: int, told: float, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features (n, 8) and counts (n, 5); ``told`` is how much the first feature moves the stars."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(number, 8))
    means = 3.5 + told * features[:, 0]
    counts = np.zeros((number, 5))
    for row, mean in enumerate(means):
        stars = np.clip(np.round(random.normal(mean, 0.8, size=random.integers(1, 30))), 1, 5).astype(int)
        counts[row] = np.bincount(stars - 1, minlength=5)
    return features, counts


def folds(features: NDArray[np.float64], counts: NDArray[np.float64], number: int = 4) -> list[Moments]:
    return [Moments.of(features[fold::number], counts[fold::number]) for fold in range(number)]


def test_moments_add_up_and_tell_the_error_without_the_products() -> None:
    features, counts = products(60, 0.5)
    whole = Moments.none(8)
    for fold in folds(features, counts):
        whole = whole + fold
    straight = Moments.of(features, counts)
    np.testing.assert_allclose(whole.rows, straight.rows)
    np.testing.assert_allclose(whole.shares, straight.shares)
    coefficients = np.random.default_rng(1).normal(size=(9, 5))
    means = counts @ STARS / counts.sum(1)
    expected = np.hstack([features, np.ones((60, 1))]) @ coefficients @ STARS
    assert straight.error(coefficients) == pytest.approx(float(weigh(counts) @ (expected - means) ** 2))


def test_ridge_is_the_textbooks() -> None:
    features, counts = products(80, 0.6)
    parts = folds(features, counts)
    coefficients, strength = fit_ridge(parts)
    weights, shares = weigh(counts), counts / counts.sum(1, keepdims=True)
    mean, level = np.average(features, axis=0, weights=weights), np.average(shares, axis=0, weights=weights)
    centred = (features - mean) * weights[:, None] ** 0.5
    gram = centred.T @ centred
    penalty = strength * np.trace(gram) / 8 * np.eye(8)
    slopes = np.linalg.solve(gram + penalty, centred.T @ ((shares - level) * weights[:, None] ** 0.5))
    np.testing.assert_allclose(coefficients[:-1], slopes, atol=1e-9)
    np.testing.assert_allclose(coefficients[-1], level - mean @ slopes, atol=1e-9)


def test_what_is_told_is_found_and_what_is_not_shrinks_to_the_mean() -> None:
    told, counts = products(300, 0.7)
    coefficients, strength = fit_ridge(folds(told, counts))
    assert strength < 1
    assert (coefficients[:-1] @ STARS)[0] == pytest.approx(0.7, abs=0.15)
    mute, counts = products(300, 0.0)
    parts = folds(mute, counts)
    coefficients, strength = fit_ridge(parts)
    assert strength > 1
    assert np.abs(coefficients[:-1] @ STARS).max() < 0.05
    assert mean_only(parts)[:-1].any() == np.False_
    assert STRENGTHS[-1] == np.inf


def test_probabilities_are_shares_even_far_outside_what_was_seen() -> None:
    features, counts = products(100, 0.7)
    coefficients, _ = fit_ridge(folds(features, counts))
    model = ProductRidge(coefficients, 3, 5, 1)
    rows = model.probabilities(features * 50)
    assert rows.shape == (100, 5)
    assert rows.min() >= 0
    np.testing.assert_allclose(rows.sum(1), 1)


def test_a_model_comes_back_from_its_bytes_and_other_bytes_are_refused() -> None:
    features, counts = products(100, 0.7)
    model = ProductRidge(fit_ridge(folds(features, counts))[0], 3, 5, 1)
    again = ProductRidge.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(again.coefficients, model.coefficients)
    assert (again.space_id, again.text_dimensions, again.image_dimensions) == (3, 5, 1)
    for content in (b"", b"nothing", model.to_bytes()[:-4]):
        with pytest.raises(Conflict, match="not the bytes"):
            ProductRidge.from_bytes(content)


def test_a_missing_block_is_zeros_and_said_to_be_missing() -> None:
    joined = join([np.ones(2), None], [None, np.full(3, 2.0)], 2, 3)
    np.testing.assert_array_equal(joined, [[1, 1, 0, 0, 0, 1, 0], [0, 0, 2, 2, 2, 0, 1]])


def test_one_fold_cannot_choose_a_strength() -> None:
    with pytest.raises(InvalidInput, match="2 or more"):
        fit_ridge([Moments.of(*products(20, 0.5))])
