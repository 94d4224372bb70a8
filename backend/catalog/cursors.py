"""Cursors of the catalogue's lists: where the next page starts, opaque to the caller."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from backend.errors import InvalidInput

LARGEST_KEY = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(r"(-?[0-9]{1,18})\.([0-9]{1,19})", re.ASCII)


def to_cursor(kind: str, key: int) -> str:
    """The cursor of the page that follows the row with this key in a list of this kind."""
    return _packed(kind, str(key))


def to_moment_cursor(kind: str, moment: datetime, key: int) -> str:
    """The same in a list that is ordered by time, to the microsecond, and key."""
    return _packed(kind, f"{(moment - _EPOCH) // timedelta(microseconds=1)}.{key}")


def _packed(kind: str, place: str) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{place}".encode()).decode().rstrip("=")


def from_cursor(kind: str, cursor: str) -> int:
    """The key that ``to_cursor`` was given.

    Raises:
        InvalidInput: it is no cursor of such a list.
    """
    key = _place(kind, cursor)
    if not key.isascii() or not key.isdigit() or len(key) > 19 or int(key) > LARGEST_KEY:
        raise _unknown()
    return int(key)


def from_moment_cursor(kind: str, cursor: str) -> tuple[datetime, int]:
    """The time and key that ``to_moment_cursor`` was given.

    Raises:
        InvalidInput: it is no cursor of such a list.
    """
    found = _MOMENT.fullmatch(_place(kind, cursor))
    if found is None or int(found[2]) > LARGEST_KEY:
        raise _unknown()
    try:
        return _EPOCH + timedelta(microseconds=int(found[1])), int(found[2])
    except OverflowError as error:
        raise _unknown() from error


def _place(kind: str, cursor: str) -> str:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error
    found, _, place = text.partition(":")
    if found != kind:
        raise _unknown()
    return place


def _unknown() -> InvalidInput:
    return InvalidInput("is not a next_cursor of this list: start again without it", field="cursor")
