"""The ablation keeps what carries part of the rating, and drops what does not."""

import csv
from pathlib import Path

import pytest
from rating_fixtures import WordModel, reviews

from backend.errors import InvalidInput
from backend.ratings.ablation import ablate
from backend.ratings.corpus import Example
from backend.ratings.planted import BY_LOT, CARRIED, Photographs, plant, read_photographs
from backend.ratings.report import Ablation
from backend.ratings.side_by_side import split_held_out, try_form

PHOTOGRAPHS = Photographs(
    (b"top 1", b"top 2", *(b"top %d" % n for n in range(3, 40))), tuple(b"shoe %d" % n for n in range(40))
)


def taken_apart(examples: list[Example]) -> Ablation:
    split, _ = split_held_out(examples, 5, 5, 0)
    whole = try_form(WordModel, "frozen-mlp", examples, split.folds)
    return ablate(WordModel, "frozen-mlp", examples, split.folds, whole, resamples=300)


def verdicts(found: Ablation) -> dict[str, str]:
    return {one.part: one.verdict for one in found.without}


def test_a_picture_that_carries_part_of_the_rating_is_kept() -> None:
    found = taken_apart(reviews(600, images="told"))
    assert verdicts(found) == {"image": "kept", "text": "kept", "title": "dropped", "body": "kept"}
    (image, *_) = found.without
    assert image.gain["mae"].high < 0 < image.gain["accuracy"].low
    assert image.measures["mae"].mean > found.whole["mae"].mean


def test_a_picture_that_says_nothing_is_dropped() -> None:
    found = taken_apart(reviews(600, images="mute"))
    assert verdicts(found)["image"] == "dropped"
    assert verdicts(found)["text"] == "kept"


def test_what_hardly_any_review_has_is_not_tried() -> None:
    found = taken_apart(reviews(200))
    assert verdicts(found) == {"title": "dropped", "body": "kept"}
    assert found.not_tried == (
        "image: 0 of 200 reviews have a photograph",
        "text: nothing is left without it",
    )


def test_planted_sets_differ_only_in_whether_the_photograph_tells() -> None:
    examples = reviews(400, products=40)
    sets = plant(examples, PHOTOGRAPHS)
    assert list(sets) == [CARRIED, BY_LOT]
    for planted in sets.values():
        assert [(one.product, one.title, one.text) for one in planted] == [
            (one.product, one.title, one.text) for one in examples
        ]
        images = {one.product: one.image for one in planted}
        # Each product has one photograph, and each photograph one product.
        assert len(set(images.values())) == len(images) == 40
        assert {one.product: one.image for one in planted} == images
        lost = {
            one.product
            for one, before in zip(planted, examples, strict=True)
            if before.rating is not None and one.rating != before.rating
        }
        assert len(lost) == 20
        assert all(
            (before.rating or 0) - (one.rating or 0) in (0, 1) for one, before in zip(planted, examples, strict=True)
        )
        shoes = {product for product, image in images.items() if image and image.startswith(b"shoe")}
        assert len(shoes) == 20
        assert (lost == shoes) == (planted is sets[CARRIED])
    assert [one.image for one in sets[CARRIED]] == [one.image for one in sets[BY_LOT]]


def test_planted_sets_take_whole_products_and_are_the_same_for_a_seed() -> None:
    examples = reviews(400, products=40)
    sets = plant(examples, PHOTOGRAPHS, reviews=100, seed=3)
    kept = {one.product for one in sets[CARRIED]}
    assert 100 <= len(sets[CARRIED]) < 110
    assert len(sets[CARRIED]) == sum(one.product in kept for one in examples)
    assert plant(examples, PHOTOGRAPHS, reviews=100, seed=3) == sets
    assert plant(examples, PHOTOGRAPHS, reviews=100, seed=4) != sets
    with pytest.raises(InvalidInput, match="20 products need a photograph of one kind each, and there are 2"):
        plant(examples, Photographs((b"a", b"b"), (b"c", b"d")))


def test_photographs_of_two_kinds_are_read_once_each(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    rows = [("1", "Topwear"), ("2", "Topwear"), ("3", "Shoes"), ("4", "Bags"), ("5", "Shoes"), ("6", "Topwear")]
    with (tmp_path / "styles.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "subCategory"), *rows])
    for name, content in (("1", b"same"), ("2", b"same"), ("3", b"shoe"), ("4", b"bag"), ("6", b"other")):
        (tmp_path / "images" / f"{name}.jpg").write_bytes(content)
    assert read_photographs(tmp_path) == Photographs((b"same", b"other"), (b"shoe",))
    with pytest.raises(InvalidInput, match="no photograph of Watches"):
        read_photographs(tmp_path, ("Topwear", "Watches"))
    with pytest.raises(InvalidInput, match="no fashion directory"):
        read_photographs(tmp_path / "images")
