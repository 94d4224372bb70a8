"""Reviews from a CSV or JSON-lines file, gzipped or not, under the column names that shops and data sets use."""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.catalog.importers.values import read_time
from backend.errors import InvalidInput
from backend.ratings.corpus import Example

# The first name that a row has is read. Amazon's of 2014, 2018 and 2023, and the usual ones.
PRODUCT = ("parent_asin", "asin", "product_id", "sku", "product")
COLUMNS: dict[str, tuple[str, ...]] = {
    "review_id": ("review_id", "id"),
    "user": ("user_id", "reviewerID", "user"),
    "title": ("title", "summary", "review_title"),
    "text": ("text", "reviewText", "body", "review_text", "review"),
    "rating": ("rating", "overall", "stars"),
    "helpful": ("helpful_votes", "helpful_vote", "helpful", "vote"),
    "written": ("written_at", "timestamp", "unixReviewTime", "date"),
    "image": ("image_path",),
}
"""Our names of a row's parts and what files call them; ``image_path`` names a file beside the one read."""

_JSON = (".jsonl", ".json", ".ndjson")
_CSV_FIELD = 10 * 2**20


def read_file(path: Path, *, rated: bool = True) -> list[Example]:
    """The reviews in ``path`` in order: ``.csv``, ``.jsonl``, ``.json`` or ``.ndjson`` (JSON lines), also with ``.gz``.

    Without ``rated`` they are to be predicted: ratings are not looked at, and a row may name no product.

    Raises:
        InvalidInput: there is no such file, it is of another kind, it names no product, or a value cannot be read; the
            message gives the line and the field.
    """
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix not in (*_JSON, ".csv"):
        raise InvalidInput(f"{path.name} is neither .csv nor .jsonl (or either with .gz)", field="data")
    try:
        with _opened(path) as lines:
            rows = _json_rows(lines) if suffix in _JSON else _csv_rows(lines)
            return [_example(row, line, path, rated=rated) for line, row in rows]
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no file {path}", field="data") from error
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", field="data") from error


def _opened(path: Path) -> io.TextIOWrapper:
    # Some programs put a byte order mark first.
    opened = gzip.open if path.suffix == ".gz" else open
    return opened(path, "rt", encoding="utf-8-sig", newline="")


def _csv_rows(lines: io.TextIOWrapper) -> Iterator[tuple[int, Mapping[str, Any]]]:
    before = csv.field_size_limit(_CSV_FIELD)
    try:
        reader = csv.DictReader(lines)
        for row in reader:
            yield reader.line_num, row
    finally:
        csv.field_size_limit(before)


def _json_rows(lines: io.TextIOWrapper) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"line {number} is not JSON: {error}", field="data") from error
        if not isinstance(row, dict):
            raise InvalidInput(f"line {number} is not a JSON object", field="data")
        yield number, row


def _example(row: Mapping[str, Any], line: int, path: Path, *, rated: bool) -> Example:
    product = _first(row, PRODUCT)
    if product is None and rated:
        raise InvalidInput(f"line {line} names no product: one of {', '.join(PRODUCT)} is needed", field="product")
    try:
        return Example(
            product=_text(product),
            title=_text(_first(row, COLUMNS["title"])),
            text=_text(_first(row, COLUMNS["text"])),
            rating=_stars(_first(row, COLUMNS["rating"])) if rated else None,
            image=_image(_first(row, COLUMNS["image"]), path),
            review_id=_optional(_first(row, COLUMNS["review_id"])),
            user=_optional(_first(row, COLUMNS["user"])),
            helpful_votes=_votes(_first(row, COLUMNS["helpful"])),
            written_at=_time(_first(row, COLUMNS["written"])),
        )
    except InvalidInput as error:
        raise InvalidInput(f"line {line}: {error}", field=error.field) from error


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _optional(value: Any) -> str | None:
    return None if value is None else str(value)


def _stars(value: Any) -> int | None:
    if value is None:
        return None
    try:
        stars = float(value)
    except (TypeError, ValueError):
        stars = 0.0
    if not (stars.is_integer() and 1 <= stars <= 5):
        raise InvalidInput(f"the rating {value!r} is no whole number from 1 to 5", field="rating")
    return int(stars)


def _votes(value: Any) -> int:
    """``3``, ``"1,204"``, or the 2014 layout's ``[helpful, of all]``."""
    if value is None:
        return 0
    first = str(value).strip("[] ").split(", ")[0].replace(",", "")
    try:
        return max(0, int(float(first)))
    except ValueError as error:
        raise InvalidInput(f"the helpful votes {value!r} are no number", field="helpful_votes") from error


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return read_time(value)
    except InvalidInput as error:
        raise InvalidInput(f"the time {value!r} {error}", field="written_at") from error


def _image(value: Any, path: Path) -> bytes | None:
    if value is None:
        return None
    try:
        return (path.parent / str(value)).read_bytes()
    except (OSError, ValueError) as error:
        raise InvalidInput(f"the photograph {value!r} cannot be read: {error}", field="image_path") from error
