"""How values are written on a page."""

from datetime import datetime
from decimal import Decimal

import pytest

from backend.web import wording


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("1299", "INR", "₹1,299"),
        ("1299.00", "INR", "₹1,299"),
        ("0.5", "EUR", "€0.50"),
        ("1234567.89", "USD", "$1,234,567.89"),
        ("12", "SEK", "12 SEK"),
        ("12", None, "12"),
        ("0", "GBP", "£0"),
    ],
)
def test_money(amount: str, currency: str | None, written: str) -> None:
    assert wording.money(Decimal(amount), currency) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("baseColour", "Base colour"),
        ("base_colour", "Base colour"),
        ("Fabric Type", "Fabric type"),
        ("EAN", "EAN"),
        ("", ""),
    ],
)
def test_label(name: str, written: str) -> None:
    assert wording.label(name) == written


@pytest.mark.parametrize(
    ("item", "written"),
    [(True, "yes"), (False, "no"), (2, "2"), (["S", True, 1.5], "S, yes, 1.5"), ({"ü": 1}, '{"ü": 1}'), ("NA", "NA")],
)
def test_value(item: object, written: str) -> None:
    assert wording.value(item) == written


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0.0 s"), (9.94, "9.9 s"), (59.6, "60 s"), (180, "3 min"), (7300, "2 h")]
)
def test_duration(seconds: float, written: str) -> None:
    assert wording.duration(seconds) == written


def test_count_and_day() -> None:
    assert [wording.count(n, "product") for n in (0, 1, 1334)] == ["0 products", "1 product", "1,334 products"]
    assert wording.count(2, "product is", "products are") == "2 products are"
    assert wording.day(datetime(2026, 5, 4)) == "4 May 2026"  # noqa: DTZ001  # only its date is written


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0 B"), (312, "312 B"), (1000, "1.0 kB"), (4100, "4.1 kB"), (31_400_000, "31 MB"), (1.2e12, "1,200 GB")],
)
def test_size(number: float, written: str) -> None:
    assert wording.size(number) == written
