"""The texts of a product that a space encodes: ``title``, ``title+description:300``; several are encoded apart."""

import hashlib
import re
from collections.abc import Sequence

from backend.errors import InvalidInput

FIELDS = ("title", "description", "brand")
MOST_INPUTS = 8
INPUT = re.compile(r"(title|description|brand)(\+(title|description|brand))*(:[1-9][0-9]{0,6})?")


def parse_text_inputs(given: str) -> tuple[str, ...]:
    """``title,title+description:300`` as its parts.

    Raises:
        InvalidInput: a part is not of that form.
    """
    inputs = tuple(part.strip() for part in given.split(","))
    for part in inputs:
        if not INPUT.fullmatch(part):
            raise InvalidInput(
                f"{part!r} is no text of a product: join {', '.join(FIELDS)} by +, and let a colon and the most "
                "characters follow if it is to be cut, as in title+description:300",
                field="text_inputs",
            )
    if len(inputs) > MOST_INPUTS:
        raise InvalidInput(f"at most {MOST_INPUTS} texts are encoded apart, not {len(inputs)}", field="text_inputs")
    return inputs


def product_texts(text_inputs: Sequence[str], title: str, description: str, brand: str | None) -> tuple[str, ...]:
    """One text for each input: its fields joined by full stops, blank ones left out, cut to its most characters."""
    values = {"title": title.strip(), "description": description.strip(), "brand": (brand or "").strip()}
    texts = []
    for part in text_inputs:
        fields, _, most = part.partition(":")
        text = ". ".join(values[name] for name in fields.split("+") if values[name])
        texts.append(text[: int(most)] if most else text)
    return tuple(texts)


def hash_texts(texts: Sequence[str]) -> bytes:
    """SHA-256 by which it is seen that a product's texts have not changed; no text holds the NUL between them."""
    return hashlib.sha256("\0".join(texts).encode()).digest()
