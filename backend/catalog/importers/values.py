"""Strict readers of single values. CSV gives text; JSON gives typed values, which must be of the right type.

Each takes the value and returns it typed, or raises InvalidInput with a reason that can follow the field's name. None
and, in CSV, empty text never come here: they are a missing value.
"""

import json
import math
import re
from datetime import UTC, datetime
from decimal import Decimal

from backend.errors import InvalidInput

MAX_INTEGER = 2**31 - 1

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_PRICE = re.compile(r"(?P<whole>[0-9]{1,10})(\.(?P<decimals>[0-9]+))?")
_WHOLE = re.compile(r"([0-9]{1,18})(\.0+)?")
_UNIX = re.compile(r"[0-9]{9,14}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_DEEPEST = 100


def read_text(value: object) -> str:
    """Any text that Postgres can store, as it is."""
    if not isinstance(value, str):
        raise InvalidInput(f"must be text, not {_kind(value)}")
    if value.isascii() and "\0" not in value:
        return value
    found = _NOT_STORABLE.search(value)
    if found:
        name = "a NUL character" if found[0] == "\0" else "half a surrogate pair"
        raise InvalidInput(f"contains {name} at character {found.start() + 1}")
    return value


def read_sku(value: object) -> str:
    """A sku: text or a whole number; 1 to 200 characters, no slash or control character, no blanks around it."""
    sku = str(value) if isinstance(value, int) and not isinstance(value, bool) else read_text(value)
    if sku != sku.strip() or not sku:
        raise InvalidInput("must not be blank, nor begin or end with a blank")
    if len(sku) > 200:
        raise InvalidInput(f"has {len(sku):,} characters, more than 200")
    if "/" in sku or _CONTROL.search(sku):
        raise InvalidInput("must not contain a slash or a control character")
    return sku


def read_title(value: object) -> str:
    """A title: 1 to 1,000 characters, not all blank."""
    title = read_text(value)
    if not title.strip():
        raise InvalidInput("must not be blank")
    if len(title) > 1000:
        raise InvalidInput(f"has {len(title):,} characters, more than 1,000")
    return title


def read_key(value: object) -> str:
    """Text or a whole number, as text: a source's own key of something."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else read_text(value)


def read_user(value: object) -> str:
    """A shop's key of a person: text or a whole number, 1 to 200 characters."""
    key = read_key(value)
    if not 1 <= len(key) <= 200:
        raise InvalidInput(f"must have 1 to 200 characters, not {len(key)}")
    return key


def read_category(value: object) -> str:
    """A path such as Apparel/Topwear/Shirts, or a JSON list of its names."""
    names = value if isinstance(value, list) else read_text(value).split("/")
    path = "/".join(read_text(name) for name in names)
    if not path or any(not name or name != name.strip() for name in path.split("/")):
        raise InvalidInput("must be names joined by slashes, such as Apparel/Topwear, without a blank around a name")
    if _CONTROL.search(path):
        raise InvalidInput("must not contain a control character")
    if len(path) > 1000:
        raise InvalidInput(f"has {len(path):,} characters, more than 1,000")
    return path


def read_price(value: object) -> Decimal:
    """An amount of 0 or more below 10,000,000,000 with at most two decimals, with a point before them."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidInput(f"must be a number, not {_kind(value)}")
    # A float's shortest text is what the file had, unless it is too large or small to be a price.
    text = str(value).strip()
    found = _PRICE.fullmatch(text)
    if not found:
        raise InvalidInput(
            "must be a number from 0 to 9999999999.99 such as 1299.50, without separators or a currency sign"
        )
    if found["decimals"] and len(found["decimals"].rstrip("0")) > 2:
        raise InvalidInput("has more than two decimals")
    return Decimal(found["whole"] + "." + (found["decimals"] or "")[:2])


def read_currency(value: object) -> str:
    """Three capital letters (ISO 4217)."""
    code = read_text(value).strip()
    if not _CURRENCY.fullmatch(code):
        raise InvalidInput("must be three capital letters, such as EUR")
    return code


def read_boolean(value: object) -> bool:
    """A JSON boolean, 0 or 1, or one of the words true, false, yes, no, t, f, y, n."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, int | str) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidInput("must be true or false (or yes, no, 1, 0)")


def read_rating(value: object) -> int:
    """Stars: a whole number from 1 to 5."""
    stars = _whole(value)
    if stars is None or not 1 <= stars <= 5:
        raise InvalidInput("must be a whole number from 1 to 5")
    return stars


def read_votes(value: object) -> int:
    """A whole number of 0 or more; of a list of two, "helpful of all votes" as Amazon's files have it, the first."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise InvalidInput(f"is not a list of two numbers: {error}") from error
    if isinstance(value, list) and len(value) == 2 and _whole(value[1]) is not None:
        value = value[0]
    votes = _whole(value)
    if votes is None or votes > MAX_INTEGER:
        raise InvalidInput(f"must be a whole number from 0 to {MAX_INTEGER:,}")
    return votes


def read_time(value: object) -> datetime:
    """An ISO 8601 date or time, in UTC where it names no zone; or Unix time in seconds or, from 12 digits on, ms."""
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    try:
        if _UNIX.fullmatch(text):
            return datetime.fromtimestamp(int(text) / (1000 if len(text) >= 12 else 1), UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("must be a date or time such as 2024-05-31 or 2024-05-31T12:00:00Z") from error


def read_attributes(value: object) -> dict[str, object]:
    """A JSON object, or its text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"is not a JSON object: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"must be a JSON object, not {_kind(value)}")
    return {read_text(name): read_json(part) for name, part in value.items()}


def read_json(value: object, depth: int = 0) -> object:
    """Any JSON value that Postgres can store."""
    if depth > _DEEPEST:
        raise InvalidInput(f"is nested more than {_DEEPEST} deep")
    match value:
        case str():
            return read_text(value)
        case float() if not math.isfinite(value):
            raise InvalidInput("contains a number that is too large")
        case list():
            return [read_json(part, depth + 1) for part in value]
        case dict():
            return {read_text(name): read_json(part, depth + 1) for name, part in value.items()}
    return value


def _whole(value: object) -> int | None:
    if type(value) is int:
        return value if 0 <= value < 10**18 else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = _WHOLE.fullmatch(str(value).strip())
    return int(found[1]) if found else None


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", str: "text", int: "a number", float: "a number"}
    return names.get(type(value), "null")
