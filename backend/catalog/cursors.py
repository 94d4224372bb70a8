"""Cursors of the catalogue's lists: where the next page starts, opaque to the caller."""

import base64
import binascii

from backend.errors import InvalidInput

LARGEST_KEY = 2**63 - 1


def to_cursor(kind: str, key: int) -> str:
    """The cursor of the page that follows the row with this key in a list of this kind."""
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


def from_cursor(kind: str, cursor: str) -> int:
    """The key that ``to_cursor`` was given.

    Raises:
        InvalidInput: it is no cursor of such a list.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error
    found, _, key = text.partition(":")
    if found != kind or not key.isascii() or not key.isdigit() or len(key) > 19 or int(key) > LARGEST_KEY:
        raise _unknown()
    return int(key)


def _unknown() -> InvalidInput:
    return InvalidInput("is not a next_cursor of this list: start again without it", field="cursor")
