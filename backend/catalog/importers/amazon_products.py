"""A product of Amazon's published metadata, of 2018 (and 2014) or of 2023, as the row that is stored."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from backend.catalog.importers.amazon_images import best_address
from backend.catalog.importers.amazon_lines import plain, plain_line
from backend.catalog.importers.product_rows import ProductRow
from backend.catalog.importers.records import Record
from backend.catalog.importers.report import shown
from backend.catalog.importers.result import Problem
from backend.catalog.importers.values import read_category, read_json, read_price, read_sku, read_text, read_title
from backend.errors import InvalidInput

# An amount with or without its sign, of which a range gives the lower end: "$1,299.99", "$9.99 - $19.99".
_AMOUNT = re.compile(r"(?:from\s*)?\$?\s*([0-9][0-9,]*(?:\.[0-9]+)?)(?:\s*-\s*\$?\s*[0-9][0-9,]*(?:\.[0-9]+)?)?")
# 2018 links a brand's name as "Visit Amazon's Stephen King Page".
_STORE_PAGE = re.compile(r"Visit Amazon's (.+) Page")
# Beside the details, what describes the product and not the day on which it was read, nor other products.
_ATTRIBUTES = ("main_category", "main_cat", "subtitle", "author", "average_rating", "rating_number", "date")
OF_REVIEWS = "a review, not a product: give this file as --reviews"
NO_LAYOUT = "no product: it has neither parent_asin (2023) nor asin (2018)"


@dataclass(slots=True)
class PublishedProduct:
    """One product, the address of its photograph, and what of its line cannot be stored."""

    row: ProductRow
    address: str | None
    left_out: list[Problem] = field(default_factory=list)

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.row.file

    @property
    def line(self) -> int:
        """The number of the line, from 1."""
        return self.row.line

    @property
    def size(self) -> int:
        """Characters of the line."""
        return self.row.size


def read_product(record: Record, file: str, currency: str) -> PublishedProduct | list[Problem]:
    """The product of a line, or what is wrong with it.

    A value that cannot be used is left out and named in ``left_out``; a line without a usable asin is no product. One
    without a title keeps the one that is stored, or is titled by its sku.
    """
    values = record.values
    if "overall" in values or "reviewerID" in values or ("user_id" in values and "rating" in values):
        return [Problem(file, record.line, None, OF_REVIEWS, shown(values))]
    key = "parent_asin" if values.get("parent_asin") else "asin"
    if not values.get(key):
        return [Problem(file, record.line, None, NO_LAYOUT, shown(values))]
    try:
        sku = read_sku(values[key])
    except InvalidInput as error:
        return [Problem(file, record.line, key, str(error), shown(values[key]))]
    reader = _Reader(values, file, record.line)
    fields: dict[str, Any] = {
        "title": reader.read("title", _title),
        "description": _description(reader),
        "brand": reader.read("store", _brand) or reader.read("brand", _brand),
        "category": reader.read("categories", _category)
        or reader.read("category", _category)
        or reader.read("main_category", _category),
        "price": reader.read("price", _price),
    }
    if fields["price"] is not None:
        fields["currency"] = currency
    given = [name for name, value in fields.items() if value is not None]
    title = fields.pop("title") or ""
    row = ProductRow(
        file=file,
        line=record.line,
        size=record.size,
        sku=sku,
        title=title,
        attributes=_attributes(reader),
        given=given,
        **fields,
    )
    return PublishedProduct(row, reader.read("images", best_address) or _address_2018(reader), reader.problems)


class _Reader:
    """Values of one line; what cannot be read is a problem, and None."""

    def __init__(self, values: Mapping[str, object], file: str, line: int) -> None:
        self.values = values
        self.problems: list[Problem] = []
        self._place = file, line

    def read(self, key: str, read: Callable[[object], Any]) -> Any:
        value = self.values.get(key)
        return None if value in (None, "", [], {}) else self.of(key, value, read)

    def of(self, key: str, value: object, read: Callable[[object], Any]) -> Any:
        try:
            return read(value)
        except InvalidInput as error:
            reason = f"{error}: left out, the product is imported without it"
            self.problems.append(Problem(*self._place, key, reason, shown(value)))
            return None


def _title(value: object) -> str | None:
    title = plain_line(read_text(value))
    return read_title(title) if title else None


def _description(reader: _Reader) -> str | None:
    texts = [
        text for key in ("description", "features", "feature") for text in reader.read(key, _paragraphs) or () if text
    ]
    # A feature is often part of the description too.
    return "\n".join(dict.fromkeys(texts)) or None


def _paragraphs(value: object) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    return ["\n".join(filter(None, map(str.strip, plain(read_text(part)).splitlines()))) for part in parts]


def _brand(value: object) -> str | None:
    name = plain_line(read_text(value))
    page = _STORE_PAGE.fullmatch(name)
    return (page[1] if page else name) or None


def _category(value: object) -> str | None:
    """The path of a list of names; 2014 has a list of such lists, of which the first counts."""
    names = value if isinstance(value, list) else [value]
    if names and isinstance(names[0], list):
        names = names[0]
    # 2018 has markup among the names, and a name may hold the slash that separates them.
    clean = (plain_line(read_text(name)).replace("/", "-").strip() for name in names if "</" not in read_text(name))
    path = [name for name in clean if name]
    return read_category(path) if path else None


def _price(value: object) -> Decimal | None:
    if not isinstance(value, str):
        return read_price(value)
    text = value.strip()
    if text in ("", "-", "—", "None"):
        return None
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise InvalidInput('must be an amount in dollars such as "$12.99" or "$9.99 - $19.99"')
    return read_price(found[1].replace(",", ""))


def _attributes(reader: _Reader) -> dict[str, object]:
    attributes: dict[str, object] = {}
    for key in _ATTRIBUTES:
        value = reader.read(key, _attribute)
        if value is not None:
            attributes[key] = value
    for name, value in (reader.read("details", _details) or {}).items():
        said = reader.of(f"details.{name}", value, _attribute)
        if said not in (None, "", [], {}):
            attributes[plain_line(name).removesuffix(":").strip() or name] = said
    return attributes


def _details(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidInput("must be a JSON object")
    return {read_text(name): part for name, part in value.items()}


def _attribute(value: object) -> object:
    return plain_line(read_text(value)) if isinstance(value, str) else read_json(value)


def _address_2018(reader: _Reader) -> str | None:
    for key in ("imageURLHighRes", "imageURL", "imUrl"):
        found = reader.read(key, best_address)
        if found is not None:
            return str(found)
    return None
