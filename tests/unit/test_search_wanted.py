"""What an encoder is given of a search."""

import pytest

from backend.recommend.wanted import wanted


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("red shirt", "red shirt"),
        ("red -shirt", "red"),
        ('-"blue linen" shirt or -striped', "shirt"),
        ('"red linen" OR blue', "red linen blue"),
        ("Shirt - Blue", "Shirt - Blue"),
        ("a t-shirt", "a t-shirt"),
        ('"never closed', "never closed"),
        ('shirt -"never closed', "shirt"),
        ("-red", ""),
        ('-red -"blue coat"', ""),
        ("the", "the"),
        ("!!!", "!!!"),
        ("or", "or"),
        ("  two\nlines ", "two lines"),
    ],
)
def test_only_what_is_wanted_is_left(text: str, left: str) -> None:
    assert wanted(text) == left
