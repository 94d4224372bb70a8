"""Ranking measures against scikit-learn, plain loops and figures worked out by hand."""

from itertools import combinations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from backend.errors import InvalidInput
from backend.evaluation.intervals import estimate, estimates
from backend.evaluation.measures import ndcg_at_k, precision_at_k, recall_at_k, reciprocal_rank_at_k
from backend.evaluation.spread import Popularity, coverage, diversity


def test_a_list_worked_out_by_hand() -> None:
    found = [False, True, False, True]
    assert precision_at_k(found, 3) == pytest.approx(1 / 3)
    assert precision_at_k(found, 10) == pytest.approx(2 / 10)
    assert recall_at_k(found, 4, 10) == 0.5
    assert recall_at_k(found, 4, 3) == 0.25
    assert reciprocal_rank_at_k(found, 10) == 0.5
    assert reciprocal_rank_at_k(found, 1) == 0
    best = 1 + 1 / log2(3) + 0.5 + 1 / log2(5)
    assert ndcg_at_k(found, 4, 10) == pytest.approx((1 / log2(3) + 1 / log2(5)) / best)
    # Of two right ones the best list has both in front.
    assert ndcg_at_k(found, 2, 10) == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)))


def test_the_best_list_scores_one_and_an_empty_one_nothing() -> None:
    assert ndcg_at_k([True] * 10, 25, 10) == 1
    assert ndcg_at_k([True, True, False], 2, 10) == 1
    assert (ndcg_at_k([], 2, 10), recall_at_k([], 2, 10), precision_at_k([], 10), reciprocal_rank_at_k([], 10)) == (
        0,
        0,
        0,
        0,
    )


@given(st.lists(st.booleans(), min_size=2, max_size=40), st.integers(1, 30))
def test_ndcg_is_that_of_scikit_learn(relevance: list[bool], k: int) -> None:
    right = sum(relevance)
    if not right:
        return
    ranked = np.arange(len(relevance), 0, -1)[None, :]
    expected = ndcg_score([[int(value) for value in relevance]], ranked, k=k)
    assert ndcg_at_k(relevance[:k], right, k) == pytest.approx(expected)


@given(st.integers(2, 8), st.integers(0, 10**6))
def test_diversity_is_the_mean_over_pairs(count: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [1 - float(units[a] @ units[b]) for a, b in combinations(range(count), 2)]
    assert diversity(rows) == pytest.approx(np.mean(pairs), abs=1e-5)


def test_diversity_leaves_out_what_has_no_vector() -> None:
    rows = np.array([[1, 0], [0, 0], [0, 2]], dtype=np.float32)
    assert diversity(rows) == pytest.approx(1)
    assert diversity(rows[:2]) is None


def test_novelty_is_bits_of_the_share_of_signals() -> None:
    popularity = Popularity({1: 3, 2: 1}, products=4)
    # Shares are 4, 2 and 1 of 4 + 4.
    assert popularity.novelty([1]) == pytest.approx(1)
    assert popularity.novelty([2]) == pytest.approx(2)
    assert popularity.novelty([3]) == pytest.approx(3)
    assert popularity.novelty([1, 3]) == pytest.approx(2)
    assert popularity.novelty([]) is None
    assert popularity.ranked() == [1, 2]


def test_popular_ones_that_tie_come_by_id() -> None:
    assert Popularity({9: 2, 4: 2, 7: 5}, products=10).ranked() == [7, 4, 9]


def test_coverage_counts_each_product_once() -> None:
    found = coverage([[1, 2], [2, 3], []], ["a", "b", "c"], products=10)
    assert found is not None
    assert (found.mean, found.n) == (0.3, 3)
    assert found.low <= 0.3 <= found.high
    assert coverage([], [], 10) is None
    with pytest.raises(InvalidInput) as caught:
        coverage([[1]], [], 10)
    assert caught.value.field == "units"


def test_lists_of_one_unit_are_one_draw() -> None:
    lists = [[1, 2], [1, 3], [1, 4], [1, 5]]
    apart = coverage(lists, ["a", "b", "c", "d"], products=50)
    # Each unit has but one list to itself, and all share product 1: the jackknife sees no difference between them.
    assert apart is not None
    assert (apart.low, apart.high) == (apart.mean, apart.mean)
    uneven = coverage(lists, ["a", "a", "a", "b"], products=50)
    assert uneven is not None
    # Without a, four products are lost; without b, one: (2 - 1) * variance of 3/50 and 1/50.
    assert uneven.high - uneven.mean == pytest.approx(1.959964 * 0.02)


def test_the_interval_of_coverage_is_as_wide_as_draws_differ() -> None:
    chance = np.random.default_rng(5)
    weights = 1 / np.arange(1, 301)
    found = []
    for _ in range(80):
        lists = [chance.choice(300, 5, replace=False, p=weights / weights.sum()).tolist() for _ in range(40)]
        estimated = coverage(lists, list(range(40)), products=300)
        assert estimated is not None
        found.append(estimated)
    spread = float(np.std([one.mean for one in found]))
    width = float(np.mean([one.high - one.mean for one in found])) / 1.959964
    assert 0.8 <= width / spread <= 2


def test_columns_have_the_intervals_they_would_have_alone() -> None:
    chance = np.random.default_rng(1)
    columns = chance.random((40, 3))
    units = [number // 2 for number in range(40)]
    for place, found in enumerate(estimates(columns, units, seed=3)):
        alone = estimate(columns[:, place], units, seed=3)
        assert found is not None
        assert alone is not None
        assert (found.mean, found.low, found.high) == pytest.approx((alone.mean, alone.low, alone.high), abs=1e-12)


def test_what_is_missing_in_a_column_is_left_out() -> None:
    columns = np.array([[1.0, np.nan], [0.0, 2.0], [np.nan, 4.0], [1.0, np.nan]])
    first, second = estimates(columns, resamples=4_000)
    assert first is not None
    assert second is not None
    assert (first.mean, first.n) == (pytest.approx(2 / 3), 3)
    assert (second.mean, second.low, second.high, second.n) == (3, 2, 4, 2)
    assert estimates(np.full((2, 2), np.nan)) == [None, None]
