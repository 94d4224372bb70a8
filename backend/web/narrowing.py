"""What a visitor searches and narrows it to, as the page's address says it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from backend.errors import InvalidInput

Json = dict[str, Any]

LONGEST_QUERY = 500
# As many cards as fill whole rows, and as many as a page is still quick with.
CARDS = 24
MOST_CARDS = 240

_PRICE = re.compile(r"(\d{1,10}(?:\.\d{1,2})?)?-(\d{1,10}(?:\.\d{1,2})?)?")


@dataclass(frozen=True)
class Narrowing:
    """Words, and the filters that were chosen; ``price`` is ``10-20``, ``10-`` or ``-20``, without its upper end."""

    words: str = ""
    category: str | None = None
    brands: tuple[str, ...] = ()
    price: str | None = None
    in_stock: bool = False
    shown: int = CARDS

    @property
    def filter(self) -> Json | None:
        """The filter of the ranking; None where nothing is chosen."""
        leaves: list[Json] = []
        if self.category is not None:
            leaves.append({"field": "category", "under": self.category})
        if self.brands:
            leaves.append({"field": "brand", "in": list(self.brands)})
        if self.price is not None:
            leaves.append({"field": "price", **price_range(self.price)})
        if self.in_stock:
            leaves.append({"field": "in_stock", "eq": True})
        return {"all": leaves} if leaves else None

    @property
    def query(self) -> str:
        """The query string that says the same."""
        return urlencode(list(self._parameters()))

    @property
    def arguments(self) -> dict[str, Any]:
        """The same as arguments of ``url_for``."""
        found: dict[str, list[str]] = {}
        for name, value in self._parameters():
            found.setdefault(name, []).append(value)
        return found

    def among(self, category: str | None) -> "Narrowing":
        """Narrowed to a category, or widened to all."""
        return replace(self, category=category, shown=CARDS)

    def priced(self, price: str | None) -> "Narrowing":
        """Narrowed to a range, or widened to all prices."""
        return replace(self, price=price, shown=CARDS)

    def stocked(self, in_stock: bool) -> "Narrowing":
        """Narrowed to what is in stock, or not."""
        return replace(self, in_stock=in_stock, shown=CARDS)

    def branded(self, brand: str) -> "Narrowing":
        """With a brand more, or with one less when it was chosen."""
        brands = tuple(b for b in self.brands if b != brand) if brand in self.brands else (*self.brands, brand)
        return replace(self, brands=brands, shown=CARDS)

    def longer(self) -> "Narrowing | None":
        """With more cards; None where there are as many as a page shows."""
        return None if self.shown >= MOST_CARDS else replace(self, shown=min(2 * self.shown, MOST_CARDS))

    def _parameters(self) -> Iterator[tuple[str, str]]:
        if self.words:
            yield "q", self.words
        if self.category is not None:
            yield "in", self.category
        yield from (("brand", brand) for brand in self.brands)
        if self.price is not None:
            yield "price", self.price
        if self.in_stock:
            yield "stock", "1"
        if self.shown != CARDS:
            yield "show", str(self.shown)


def read_narrowing(given: MultiDict[str, str]) -> Narrowing:
    """What a query string or a form says.

    Raises:
        InvalidInput: the words are too long, a text cannot be stored, or the price or the number of cards is none.
    """
    for name, texts in given.lists():
        if any("\0" in text for text in texts):
            raise InvalidInput("must not contain the character NUL", field=name)
    words = given.get("q", "").strip()
    if len(words) > LONGEST_QUERY:
        raise InvalidInput(f"the text to search for is longer than {LONGEST_QUERY} characters", field="q")
    price = given.get("price") or None
    if price is not None:
        price_range(price)
    shown = given.get("show", str(CARDS))
    # int() refuses thousands of digits by an error of its own.
    if not shown.isdecimal() or len(shown) > 9 or not CARDS <= int(shown) <= MOST_CARDS:
        raise InvalidInput(f"show must be a number from {CARDS} to {MOST_CARDS}", field="show")
    return Narrowing(
        words=words,
        category=given.get("in") or None,
        brands=tuple(dict.fromkeys(brand for brand in given.getlist("brand") if brand)),
        price=price,
        in_stock=given.get("stock") == "1",
        shown=int(shown),
    )


def price_range(price: str) -> Json:
    """``10-20`` as the range of a filter.

    Raises:
        InvalidInput: it is no range.
    """
    found = _PRICE.fullmatch(price)
    if found is None or price == "-":
        raise InvalidInput("price must be a range such as 10-20, 10- or -20", field="price")
    return {name: float(end) for name, end in zip(("gte", "lt"), found.groups(), strict=True) if end is not None}


def price_text(value: Json) -> str:
    """The range of a facet as ``price_range`` reads it."""
    return "-".join(f"{value[end]:.2f}".removesuffix(".00") if end in value else "" for end in ("gte", "lt"))
