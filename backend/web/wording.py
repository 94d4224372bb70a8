"""How values are written on a page: the templates' filters."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

_SYMBOLS = {"EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "USD": "$"}


def money(amount: Decimal, currency: str | None) -> str:
    """``1299`` INR as ₹1,299; cents only where there are any, a code where the currency has no common sign."""
    number = f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"
    if currency is None:
        return number
    sign = _SYMBOLS.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency}"


def label(name: str) -> str:
    """An attribute's name for people: baseColour and base_colour as Base colour."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").split()
    joined = " ".join(word if word.isupper() else word.lower() for word in words)
    return joined[:1].upper() + joined[1:]


def value(item: Any) -> str:
    """An attribute's value for people; lists joined by commas, anything deeper as JSON."""
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, list):
        return ", ".join(value(part) for part in item)
    return json.dumps(item, ensure_ascii=False) if isinstance(item, dict) else str(item)


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 product``, ``1,334 products``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(moment: datetime) -> str:
    """``4 May 2026``."""
    return f"{moment.day} {moment:%B %Y}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min``, ``5 h``, in the largest unit that says enough."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def size(number: float) -> str:
    """``312 B``, ``4.1 kB``, ``31 MB``, ``1.2 GB``: two digits at least, in steps of 1,000."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.1f} {unit}" if number < 10 and unit != "B" else f"{number:,.0f} {unit}"


FILTERS: dict[str, Callable[..., str]] = {
    "money": money,
    "label": label,
    "value": value,
    "count": count,
    "day": day,
    "duration": duration,
    "size": size,
}
