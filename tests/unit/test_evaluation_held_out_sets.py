"""Test products as evaluation sets, and their scores, by another reckoning."""

from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.questions import Hit
from benchmarks._held_out import Catalogue, Item
from benchmarks._judged import Judge, at_most_k, counts, sampled, type_set, variant_set

TYPES = ("Shirts", "Shirts", "Shirts", "Belts", "Belts", "Hats")
IDS = {str(number): 10 + number for number in range(6)}


@pytest.fixture
def catalogue() -> Catalogue:
    """Six products; 0, 1 and 3 are one variant group, across article types, and the hat is the only one."""
    items = tuple(Item(str(number), f"T{number}", kind, None) for number, kind in enumerate(TYPES))
    return Catalogue(Path(), items, (("0", "1"), ("1", "3")))


def answer(*numbers: int) -> list[Hit]:
    return [Hit(10 + number, 1.0, "exact", None) for number in numbers]


def test_article_types_are_judged_over_five_places(catalogue: Catalogue) -> None:
    one = type_set(catalogue, ["0", "5"], IDS)
    shirt, hat = one.questions
    assert one.label == "same article type, P@5"
    assert one.score(shirt, answer(1, 3, 2, 4, 5)) == 2 / 5
    assert one.score(hat, answer(1, 3, 2, 4, 0)) == 0
    # Of five others two are shirts, and all five are drawn.
    assert shirt.by_chance == pytest.approx(2 / 5)
    assert hat.by_chance == 0


def test_variants_are_judged_by_the_share_of_the_group(catalogue: Catalogue) -> None:
    one = variant_set(catalogue, ["0", "2", "3"], IDS)
    assert [question.sku for question in one.questions] == ["0", "3"]
    assert {question.unit for question in one.questions} == {"0"}
    assert one.score(one.questions[0], answer(3, 2)) == 1 / 2
    assert one.score(one.questions[1], answer(0, 1)) == 1


def test_a_group_of_more_than_ten_can_be_found_whole() -> None:
    items = tuple(Item(str(number), "T", "Shirts", None) for number in range(40))
    ids = {item.sku: int(item.sku) for item in items}
    links = (*(("0", str(number)) for number in range(1, 16)), ("20", "21"))
    one = variant_set(Catalogue(Path(), items, links), ["0", "20"], ids)
    # Ten of fifteen, the one of one.
    strict: list[float | None] = [10 / 15, 1.0]
    lifted, found = at_most_k(one, {"fused": strict, "image alone": [None, 0.0]})
    assert lifted.label == "colour variants, at most 10, recall@10"
    assert found == {"fused": [pytest.approx(1), 1.0], "image alone": [None, 0.0]}
    # Ten of 39 drawn hold ten 39ths of fifteen, which are that over ten.
    assert lifted.questions[0].by_chance == pytest.approx(10 / 39 * 15 / 10)
    assert lifted.questions[1].by_chance == pytest.approx(10 / 39)


def test_means_and_differences_are_over_what_both_answer(catalogue: Catalogue) -> None:
    one = type_set(catalogue, ["0", "1", "2", "3"], IDS)
    judge = Judge(500, 0)
    mean = judge.mean(one, [1.0, None, 0.5, 0.0])
    assert mean is not None
    assert (mean.mean, mean.n) == (0.5, 3)
    difference = judge.difference(one, [1.0, None, 0.5, 0.0], [0.5, 1.0, None, 0.25])
    assert difference is not None
    assert difference.mean == pytest.approx(np.mean([0.5, -0.25]))
    assert difference.n == 2
    assert judge.mean(one, [None] * 4) is None


def test_samples_are_drawn_by_the_seed() -> None:
    skus = frozenset(str(number) for number in range(50))
    assert sampled(skus, None, 0) == sampled(skus, 50, 1) == sorted(skus)
    assert sampled(skus, 10, 1) == sampled(skus, 10, 1) != sampled(skus, 10, 2)
    assert len(set(sampled(skus, 10, 1))) == 10


def test_groups_are_counted_on_the_side_that_holds_them(catalogue: Catalogue) -> None:
    found = counts(catalogue, frozenset("245"), frozenset("013"))
    assert found == {
        "products": 6,
        "training products": 3,
        "test products": 3,
        "training groups": 0,
        "test groups": 1,
    }
