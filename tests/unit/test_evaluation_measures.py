"""Measures of single answers, and what chance would score."""

import random
from statistics import mean

import pytest

from backend.evaluation.compare import overlap, recall
from backend.evaluation.questions import EvaluationSet, Hit, Question, precision_by_chance, recall_by_chance


def hits(*products: int, scores: tuple[float, ...] | None = None) -> list[Hit]:
    """An answer; product n is of category ``even`` or ``odd``."""
    places = scores or tuple(1 - place / 100 for place in range(len(products)))
    return [
        Hit(product, score, "exact", "odd" if product % 2 else "even")
        for product, score in zip(products, places, strict=True)
    ]


def test_precision_counts_the_category_among_the_first() -> None:
    question = Question(2, "S2", "S2", 0.0, category="even")
    one = EvaluationSet("same category", "precision", 5, (question,))
    assert one.label == "same category, P@5"
    assert one.score(question, hits(4, 1, 6, 3, 8, 10, 12)) == 3 / 5
    assert one.score(question, hits(4, 6)) == 2 / 5
    assert one.score(question, [Hit(4, 1.0, "exact", None)]) == 0


def test_recall_counts_what_is_right_among_all_that_is() -> None:
    question = Question(2, "S2", "group", 0.0, right=frozenset({4, 6, 7}))
    one = EvaluationSet("variants", "recall", 2, (question,))
    assert one.label == "variants, recall@2"
    assert one.score(question, hits(4, 5, 6)) == pytest.approx(1 / 3)
    assert one.score(question, hits(7, 6)) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("right", "others", "k"), [(3, 20, 5), (20, 20, 5), (2, 3, 5), (0, 4, 5)])
def test_chance_is_what_random_answers_score(right: int, others: int, k: int) -> None:
    chance = random.Random(1)
    drawn = [chance.sample(range(others), min(k, others)) for _ in range(20_000)]
    precision = mean(sum(product < right for product in answer) / k for answer in drawn)
    assert precision_by_chance(right, others, k) == pytest.approx(precision, abs=0.01)
    if right:
        found = mean(sum(product < right for product in answer) / right for answer in drawn)
        assert recall_by_chance(others, k) == pytest.approx(found, abs=0.01)


def test_chance_of_a_catalogue_of_one_is_nothing() -> None:
    assert (precision_by_chance(0, 0, 5), recall_by_chance(0, 10)) == (0, 0)


def test_a_product_that_ties_with_the_last_exact_one_is_found() -> None:
    exact = hits(1, 2, 3, scores=(0.9, 0.8, 0.7))
    assert recall(hits(1, 2, 4, scores=(0.9, 0.8, 0.7 - 5e-7)), exact) == 1
    assert recall(hits(1, 2, 4, scores=(0.9, 0.8, 0.69)), exact) == pytest.approx(2 / 3)
    assert recall(hits(1, scores=(0.9,)), exact) == pytest.approx(1 / 3)


def test_overlap_is_the_share_in_common() -> None:
    assert overlap(hits(1, 2, 3, 4), hits(4, 3, 8, 9)) == 0.5
    assert overlap(hits(1, 2), hits(1, 2, 3, 4)) == 0.5
    assert overlap(hits(1, 2), hits(2, 1)) == 1
