"""Single values of an import file."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.importers import values
from backend.catalog.importers.photographs import read_image_path
from backend.errors import InvalidInput


@pytest.mark.parametrize(
    ("value", "price"),
    [
        ("895", "895"),
        ("0", "0"),
        (" 12.50 ", "12.50"),
        ("12.5000", "12.50"),
        (895.0, "895"),
        (19.99, "19.99"),
        (3, "3"),
        ("9999999999.99", "9999999999.99"),
    ],
)
def test_prices_are_read_without_rounding(value, price):
    assert values.read_price(value) == Decimal(price)


@pytest.mark.parametrize(
    "value",
    [
        "1,299.00",
        "₹895",
        "-1",
        "1e3",
        "12.345",
        "abc",
        ".5",
        "5.",
        "10000000000",
        "NaN",
        "٣",
        True,
        None,
        [1],
        1e300,
        1e-9,
    ],
)
def test_a_price_that_would_need_a_guess_is_refused(value):
    with pytest.raises(InvalidInput):
        values.read_price(value)


@given(st.decimals(min_value=0, max_value=10**10 - 1, places=2))
def test_every_price_that_the_column_can_hold_survives_as_text_and_below_2_to_the_40_cents_as_a_json_number(price):
    assert values.read_price(f"{price:f}") == price
    if price < 2**40:
        assert values.read_price(float(price)) == price


@pytest.mark.parametrize(("value", "truth"), [("TRUE", True), ("no", False), (1, True), ("0", False), (False, False)])
def test_booleans(value, truth):
    assert values.read_boolean(value) is truth


@pytest.mark.parametrize("value", ["maybe", "", 2, 1.5, None, "on sale"])
def test_what_is_no_boolean_is_refused(value):
    with pytest.raises(InvalidInput, match="true or false"):
        values.read_boolean(value)


@pytest.mark.parametrize(("value", "stars"), [("5", 5), (1, 1), ("4.0", 4), (3.0, 3)])
def test_ratings(value, stars):
    assert values.read_rating(value) == stars


@pytest.mark.parametrize("value", ["0", "6", 4.5, "4.5", "five", True, -1, None, "9" * 30])
def test_what_is_no_rating_is_refused(value):
    with pytest.raises(InvalidInput, match="from 1 to 5"):
        values.read_rating(value)


@pytest.mark.parametrize(("value", "votes"), [("7", 7), (0, 0), ("[13, 14]", 13), ([2, 3], 2), ("3.0", 3)])
def test_helpful_votes(value, votes):
    assert values.read_votes(value) == votes


@pytest.mark.parametrize("value", ["-1", "[1]", "[1, 2, 3]", '["a", 2]', "[1, 2", 2**31, "many", [None, 1]])
def test_what_is_no_number_of_votes_is_refused(value):
    with pytest.raises(InvalidInput):
        values.read_votes(value)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2014-02-28", datetime(2014, 2, 28, tzinfo=UTC)),
        ("2024-05-31T12:00:00+02:00", datetime(2024, 5, 31, 10, tzinfo=UTC)),
        ("2024-05-31 12:00", datetime(2024, 5, 31, 12, tzinfo=UTC)),
        (1393545600, datetime(2014, 2, 28, tzinfo=UTC)),
        ("1393545600000", datetime(2014, 2, 28, tzinfo=UTC)),
    ],
)
def test_times(value, moment):
    assert values.read_time(value) == moment


@pytest.mark.parametrize("value", ["02 28, 2014", "yesterday", 5, True, "0001-01-01T00:00:00+14:00", "2024-13-01"])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(InvalidInput, match="date or time"):
        values.read_time(value)


@pytest.mark.parametrize("value", ["", " ", "a/b", "a\tb", " a", "a ", "x" * 201, "a\0", 1.5, True, None])
def test_what_is_no_sku_is_refused(value):
    with pytest.raises(InvalidInput):
        values.read_sku(value)


def test_a_whole_number_is_a_sku():
    assert values.read_sku(1163) == values.read_sku("1163") == "1163"


@pytest.mark.parametrize(("value", "path"), [("A/B c/D", "A/B c/D"), (["A", "B"], "A/B"), ("NA", "NA")])
def test_categories(value, path):
    assert values.read_category(value) == path


@pytest.mark.parametrize("value", ["/A", "A/", "A//B", "A/ B", "A\n", "x" * 1001, [], ["A", ""], ["A", 1], 7])
def test_what_is_no_category_is_refused(value):
    with pytest.raises(InvalidInput):
        values.read_category(value)


@pytest.mark.parametrize(
    "value", ['{"a": NaN, "b": "\0"}', "[1]", "{", {"a": "\ud800"}, {"a\0": 1}, {"a": float("inf")}, 3, None]
)
def test_attributes_that_cannot_be_stored_are_refused(value):
    with pytest.raises(InvalidInput):
        values.read_attributes(value)


def test_attributes_nested_too_deep_are_refused():
    nested: object = 1
    for _ in range(200):
        nested = [nested]
    with pytest.raises(InvalidInput, match="deep"):
        values.read_attributes({"a": nested})


@pytest.mark.parametrize("value", ["/etc/x", "../x.jpg", "a/../../x.jpg", "..\\x.jpg", "https://x/y.jpg", 5, "a\0"])
def test_a_photograph_outside_its_directory_is_refused(value):
    with pytest.raises(InvalidInput):
        read_image_path(value)
