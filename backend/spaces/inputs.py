"""The texts of a product that a space encodes: ``title``, ``title+description:300``; several are encoded apart."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from backend.errors import InvalidInput

FIELDS = ("title", "description", "brand", "price")
# Stands for those attributes that have few values, which are looked up when the space is made.
CHOSEN = "attributes"
PREFIX = "attributes."
MOST_INPUTS = 8
_FIELD = r"(title|description|brand|price|attributes(\.[^+,:]{1,100})?)"
INPUT = re.compile(rf"{_FIELD}(\+{_FIELD})*(:[1-9][0-9]{{0,6}})?")


def parse_text_inputs(given: str) -> tuple[str, ...]:
    """``title,title+description:300,attributes.season`` as its parts.

    Raises:
        InvalidInput: a part is not of that form.
    """
    inputs = tuple(part.strip() for part in given.split(","))
    for part in inputs:
        if not INPUT.fullmatch(part):
            raise InvalidInput(
                f"{part!r} is no text of a product: join {', '.join(FIELDS)}, attributes.NAME or attributes (those of "
                "few values) by +, and let a colon and the most characters follow if it is to be cut, as in "
                "title+description:300",
                field="text_inputs",
            )
    if len(inputs) > MOST_INPUTS:
        raise InvalidInput(f"at most {MOST_INPUTS} texts are encoded apart, not {len(inputs)}", field="text_inputs")
    return inputs


def product_texts(
    text_inputs: Sequence[str],
    title: str,
    description: str,
    brand: str | None,
    attributes: Mapping[str, Any],
    price: Decimal | None,
) -> tuple[str, ...]:
    """One text for each input: its fields joined by full stops, blank ones left out, cut to its most characters.

    Attributes and prices are written with their name, as in ``season: Summer`` and ``price: 12.5``.
    """
    values = {
        "title": title.strip(),
        "description": description.strip(),
        "brand": (brand or "").strip(),
        "price": "" if price is None else f"price: {price.normalize():f}",
    }
    texts = []
    for part in text_inputs:
        fields, most = split_input(part)
        text = ". ".join(filter(None, (values[name] if name in values else _said(name, attributes) for name in fields)))
        texts.append(text if most is None else text[:most])
    return tuple(texts)


def split_input(text_input: str) -> tuple[list[str], int | None]:
    """The fields of one input, and the most characters of it."""
    fields, _, most = text_input.partition(":")
    return fields.split("+"), int(most) if most else None


def is_of_facts(text_input: str) -> bool:
    """Whether nothing but attributes and the price is in this input."""
    return all(field == "price" or field.startswith(PREFIX) for field in split_input(text_input)[0])


def with_attributes(text_inputs: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The inputs with ``attributes`` replaced by these attributes; an input without a field left is left out."""
    chosen = []
    for part in text_inputs:
        fields, most = split_input(part)
        named = [name for field in fields for name in ([PREFIX + n for n in names] if field == CHOSEN else [field])]
        if named:
            chosen.append("+".join(named) + ("" if most is None else f":{most}"))
    return tuple(chosen)


def hash_texts(texts: Sequence[str]) -> bytes:
    """SHA-256 by which it is seen that a product's texts have not changed; no text holds the NUL between them."""
    return hashlib.sha256("\0".join(texts).encode()).digest()


def _said(field: str, attributes: Mapping[str, Any]) -> str:
    name = field.removeprefix(PREFIX)
    value = attributes.get(name)
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value if isinstance(item, str | int | float))
    if value is None or value == "" or isinstance(value, dict):
        return ""
    return f"{name}: {value}"
