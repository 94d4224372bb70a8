"""Bootstrap intervals against a plain bootstrap, and where they have nothing to say."""

import numpy as np
import pytest

from backend.errors import InvalidInput
from backend.evaluation.intervals import Estimate, estimate


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    values = np.random.default_rng(1).random(80) ** 3
    found = estimate(values, resamples=20_000, seed=4)
    chance = np.random.default_rng(9)
    means = [float(np.mean(chance.choice(values, len(values)))) for _ in range(20_000)]
    assert found is not None
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), abs=2e-3)
    assert found.n == 80


def test_units_are_drawn_whole() -> None:
    units = [f"group {number // 4}" for number in range(60)]
    values = np.repeat(np.random.default_rng(2).random(15), 4)
    found = estimate(values, units, resamples=20_000)
    alone = estimate(values, resamples=20_000)
    chance = np.random.default_rng(7)
    groups = values.reshape(15, 4)
    means = [float(groups[chance.integers(15, size=15)].mean()) for _ in range(20_000)]
    assert found is not None
    assert alone is not None
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), abs=3e-3)
    assert found.high - found.low > 1.5 * (alone.high - alone.low)


def test_larger_units_count_for_more() -> None:
    found = estimate([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"], resamples=2_000)
    assert found == Estimate(0.75, 0.0, 1.0, 4)


def test_the_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    chance = np.random.default_rng(3)
    covered = 0
    for trial in range(300):
        found = estimate(chance.random(60), resamples=300, seed=trial)
        assert found is not None
        covered += found.low <= 0.5 <= found.high
    assert 0.9 <= covered / 300 <= 0.98


def test_one_seed_gives_one_interval() -> None:
    values = np.random.default_rng(5).random(50)
    assert estimate(values, seed=1) == estimate(values, seed=1)
    assert estimate(values, seed=1) != estimate(values, seed=2)


def test_nothing_has_no_estimate_and_one_value_no_width() -> None:
    assert estimate([]) is None
    assert estimate([0.3], resamples=10) == Estimate(0.3, 0.3, 0.3, 1)


def test_what_is_more_than_chance() -> None:
    assert Estimate(0.1, 0.01, 0.2, 9).excludes_zero
    assert Estimate(-0.1, -0.2, -0.01, 9).excludes_zero
    assert not Estimate(0.1, -0.01, 0.2, 9).excludes_zero


@pytest.mark.parametrize(("units", "resamples", "field"), [(["a"], 10, "units"), (None, 0, "resamples")])
def test_bad_input_is_named(units: list[str] | None, resamples: int, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        estimate([1.0, 2.0], units, resamples=resamples)
    assert caught.value.field == field
