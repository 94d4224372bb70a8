"""A review of Amazon's published files, of 2018 (and 2014) or of 2023, as the row that is stored."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from backend.catalog.importers.amazon_lines import plain
from backend.catalog.importers.records import Record
from backend.catalog.importers.report import shown
from backend.catalog.importers.result import Problem
from backend.catalog.importers.values import (
    MAX_INTEGER,
    read_boolean,
    read_rating,
    read_sku,
    read_text,
    read_user,
    read_votes,
)
from backend.catalog.reviews import said_fingerprint
from backend.errors import InvalidInput

_DAY = re.compile(r"(\d{1,2}) (\d{1,2}), (\d{4})")
NO_LAYOUT = (
    "neither layout: a review of 2023 has parent_asin, rating and user_id, one of 2018 asin, overall and reviewerID"
)
OF_PRODUCTS = "a product, not a review: give this file as --meta"


_LAYOUT_2018 = frozenset({"overall", "reviewerID", "reviewText"})
# A usual line of 2023: its types, the longest keys, the stars, and times from 1970 to 2100 in milliseconds.
_QUICK_TYPES = (str, float, str, int, bool, int)
_QUICK_LENGTH = 200
_QUICK_MOMENTS = (0, 4_102_444_800_000)
_STARS = frozenset({1.0, 2.0, 3.0, 4.0, 5.0})


@dataclass(slots=True)
class PublishedReview:
    """One review on its way to the database; ``written_at`` is an ISO 8601 time in UTC."""

    file: str
    line: int
    size: int
    sku: str
    fingerprint: bytes
    rating: int
    title: str
    body: str
    author: str | None
    user_id: str | None
    helpful_votes: int
    verified: bool
    written_at: str | None


class _Field(NamedTuple):
    """A field, the keys that may feed it (the first that is there does), and its reader."""

    name: str
    keys: Sequence[str]
    read: Callable[[Any], object]


def read_milliseconds(value: object) -> str:
    """Unix time in milliseconds as an ISO 8601 time in UTC."""
    return _moment(value, 1000)


def read_seconds(value: object) -> str:
    """Unix time in seconds as an ISO 8601 time in UTC."""
    return _moment(value, 1)


def read_day(value: object) -> str:
    """A day as 2018 writes it, ``05 31, 2014``, as an ISO 8601 time in UTC."""
    found = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found:
            return datetime(int(found[3]), int(found[1]), int(found[2]), tzinfo=UTC).isoformat()
    except ValueError as error:
        raise InvalidInput(f"is no day: {error}") from error
    raise InvalidInput('must be a day such as "05 31, 2014"')


def read_counted(value: object) -> int:
    """Votes, with commas between the thousands or not; of the list [helpful, all] of 2014 the first."""
    return read_votes(value.replace(",", "") if isinstance(value, str) and "[" not in value else value)


def read_said(value: object) -> str:
    """A text without the web page's tags and entities."""
    return plain(read_text(value))


_2023 = (
    _Field("sku", ("parent_asin", "asin"), read_sku),
    _Field("rating", ("rating",), read_rating),
    _Field("title", ("title",), read_said),
    _Field("body", ("text",), read_said),
    _Field("user_id", ("user_id",), read_user),
    _Field("helpful_votes", ("helpful_vote", "helpful_votes"), read_counted),
    _Field("verified", ("verified_purchase",), read_boolean),
    # The first release of the 2023 files named it sort_timestamp.
    _Field("written_at", ("timestamp", "sort_timestamp"), read_milliseconds),
)
_2018 = (
    _Field("sku", ("asin",), read_sku),
    _Field("rating", ("overall",), read_rating),
    _Field("title", ("summary",), read_said),
    _Field("body", ("reviewText",), read_said),
    _Field("author", ("reviewerName",), read_said),
    _Field("user_id", ("reviewerID",), read_user),
    _Field("helpful_votes", ("vote", "helpful"), read_counted),
    _Field("verified", ("verified",), read_boolean),
    _Field("written_at", ("unixReviewTime",), read_seconds),
    _Field("written_at", ("reviewTime",), read_day),
)


def read_review(record: Record, file: str) -> PublishedReview | list[Problem]:
    """The review of a line, or everything that is wrong with it. A line without a product or stars is no review."""
    values = record.values
    found = _quick(values)
    if found is not None:
        return _row(record, file, found)
    layout = _layout(values)
    if isinstance(layout, str):
        return [Problem(file, record.line, None, layout, shown(values))]
    found = {}
    problems: list[Problem] = []
    for name, keys, read in layout:
        if name in found:
            continue
        key = keys[0]
        value = values.get(key)
        for key in keys[1:] if value is None or value == "" else ():
            value = values.get(key)
            if value is not None and value != "":
                break
        if value is None or value == "":
            continue
        try:
            found[name] = read(value)
        except InvalidInput as error:
            problems.append(Problem(file, record.line, key, str(error), shown(value)))
    missing = [field for field in layout[:2] if field.name not in found]
    if problems or missing:
        wrong = {problem.field for problem in problems}
        problems += [
            Problem(file, record.line, field.keys[0], "is missing: without it this is no review")
            for field in missing
            if wrong.isdisjoint(field.keys)
        ]
        return problems
    return _row(record, file, found)


def _quick(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the fields of a usual line of 2023 are read as, at half the time; None of any other line."""
    try:
        sku, rating, user_id = values["parent_asin"], values["rating"], values["user_id"]
        title, body, votes = values["title"], values["text"], values["helpful_vote"]
        verified, moment = values["verified_purchase"], values["timestamp"]
    except KeyError:
        return None
    if (
        (type(sku), type(rating), type(user_id), type(votes), type(verified), type(moment)) == _QUICK_TYPES
        and len(sku) <= _QUICK_LENGTH
        and len(user_id) <= _QUICK_LENGTH
        and f"{sku}{user_id}".isascii()
        and sku.isalnum()
        and user_id.isalnum()
        and rating in _STARS
        and 0 <= votes <= MAX_INTEGER
        and _QUICK_MOMENTS[0] <= moment <= _QUICK_MOMENTS[1]
        and type(title) is type(body) is str
        and _LAYOUT_2018.isdisjoint(values)
    ):
        said = f"{title}{body}"
        if not said.isascii() or "&" in said or "<" in said or "\0" in said:
            try:
                title, body = read_said(title), read_said(body)
            except InvalidInput:
                return None
        return {
            "sku": sku,
            "rating": int(rating),
            "title": title,
            "body": body,
            "user_id": user_id,
            "helpful_votes": votes,
            "verified": verified,
            "written_at": datetime.fromtimestamp(moment / 1000, UTC).isoformat(),
        }
    return None


def _layout(values: Mapping[str, object]) -> tuple[_Field, ...] | str:
    if not _LAYOUT_2018.isdisjoint(values):
        return _2018
    if "rating" in values or "user_id" in values:
        return _2023
    if "title" in values and ("asin" in values or "parent_asin" in values):
        return OF_PRODUCTS
    return NO_LAYOUT


def _row(record: Record, file: str, found: dict[str, Any]) -> PublishedReview:
    title, body = found.get("title", ""), found.get("body", "")
    author, user_id = found.get("author"), found.get("user_id")
    written_at = found.get("written_at")
    writer = author if user_id is None else user_id
    return PublishedReview(
        file,
        record.line,
        record.size,
        found["sku"],
        said_fingerprint(writer, title, body, found["rating"], written_at),
        found["rating"],
        title,
        body,
        author,
        user_id,
        found.get("helpful_votes", 0),
        found.get("verified", False),
        written_at,
    )


def _moment(value: object, per_second: int) -> str:
    try:
        if isinstance(value, str):
            value = int(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / per_second, UTC).isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(f"is no Unix time: {error}") from error
    raise InvalidInput("must be a Unix time, a number")
