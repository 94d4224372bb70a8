"""Which reviews train and which test."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.ratings.corpus import Example
from backend.ratings.splits import Fold, grouped_folds, hold_out, random_folds
from tests.unit.rating_models import examples


def shared(found: list[Example], fold: Fold, part: str) -> set[object]:
    train = {getattr(found[place], part) for place in fold.train}
    return train & {getattr(found[place], part) for place in fold.test} - {None}


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 60), st.integers(0, 40), st.integers(2, 5), st.integers(0, 99))
def test_no_product_and_no_user_is_on_both_sides(products: int, users: int, n: int, seed: int) -> None:
    found = examples(120, products=products, users=users, seed=seed)
    split = grouped_folds(found, n, seed)
    assert len(split.folds) == n
    tested: list[int] = []
    for fold in split.folds:
        assert not shared(found, fold, "product")
        if split.grouped_by == "product and user":
            assert not shared(found, fold, "user")
        assert len(fold.train) + len(fold.test) + fold.unused == len(found)
        tested += fold.test.tolist()
    assert len(set(tested)) == len(tested)
    assert all(len(fold.test) > 0 and len(fold.train) > 0 for fold in split.folds)
    if not users:
        assert (split.grouped_by, split.note) == ("product", "")
    if not split.note:
        assert sorted(tested) == list(range(len(found)))


def test_products_alone_make_folds_of_about_one_size() -> None:
    sizes = [len(fold.test) for fold in grouped_folds(examples(1_000, products=200), 5).folds]
    assert max(sizes) - min(sizes) <= 10


def test_users_of_separate_products_stay_whole() -> None:
    found = [replace(one, user=f"u{int(one.product[1:]) // 2}") for one in examples(400, products=40)]
    split = grouped_folds(found, 4)
    assert (split.grouped_by, split.note) == ("product and user", "")
    assert sum(len(fold.test) for fold in split.folds) == 400


def test_a_shop_in_which_all_are_joined_says_what_it_leaves_unused() -> None:
    split = grouped_folds(examples(600, products=30, users=20), 5)
    assert "tested" in split.note
    assert all(fold.unused > 0 and len(fold.test) > 0 for fold in split.folds)


def test_one_user_who_wrote_everything_cannot_be_kept_apart() -> None:
    split = grouped_folds(examples(200, products=30, users=1), 5)
    assert split.grouped_by == "product"
    assert "share users" in split.note
    assert sum(len(fold.test) for fold in split.folds) == 200


def test_validation_needs_two_reviews() -> None:
    with pytest.raises(InvalidInput):
        hold_out(examples(1))


def test_the_seed_decides() -> None:
    found = examples(200, products=50)
    first, again, other = (grouped_folds(found, 5, seed).folds[0].test.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_random_folds_part_products() -> None:
    found = examples(200, products=10)
    split = random_folds(found, 5)
    assert shared(found, split.folds[0], "product")
    assert sorted(place for fold in split.folds for place in fold.test) == list(range(200))
    assert split.grouped_by == "nothing"


@pytest.mark.parametrize("make", [grouped_folds, random_folds])
def test_too_few_folds_or_reviews_are_refused(make: object) -> None:
    with pytest.raises(InvalidInput):
        make(examples(20), 1)
    with pytest.raises(InvalidInput):
        make(examples(3), 5)


def test_fewer_products_than_folds_are_refused() -> None:
    with pytest.raises(InvalidInput, match="products"):
        grouped_folds(examples(100, products=3), 5)


def test_validation_holds_whole_products() -> None:
    found = examples(500, products=60)
    train, held = hold_out(found, 0.1)
    assert 40 <= len(held) <= 80
    assert not {found[place].product for place in train} & {found[place].product for place in held}
    assert sorted([*train, *held]) == list(range(500))


@pytest.mark.parametrize("count", [2, 10, 100])
def test_one_product_is_validated_on_single_reviews(count: int) -> None:
    train, held = hold_out(examples(count, products=1), 0.1)
    assert len(held) == max(1, count // 10)
    assert len(train) + len(held) == count


def test_a_product_with_half_of_all_reviews_stays_in_training() -> None:
    found = examples(300, products=40)
    found += [replace(one, product="giant") for one in examples(300, seed=1)]
    for seed in range(5):
        train, held = hold_out(found, 0.1, seed)
        assert {found[place].product for place in train} >= {"giant"}
        assert 30 <= len(held) <= 90


def test_positions_are_integers() -> None:
    assert grouped_folds(examples(50), 2).folds[0].train.dtype == np.int64
