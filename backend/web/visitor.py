"""A visitor without a name: a random key in a cookie, by which the shop knows what was looked at and liked.

Nothing is kept of a browser that does not send the cookie back, nor of one that asks not to be followed.
"""

import logging
import re
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from uuid import UUID

from flask import Flask, Response, request

from backend.catalog.events import EventData, Kind, add_events, is_stored, take_back
from backend.database.connection import Database
from backend.errors import Conflict, DatabaseUnavailable, TookTooLong

log = logging.getLogger("shelfmate.http")

COOKIE = "shelfmate_visitor"
LASTS = timedelta(days=180)
PAGES = {f"shelf.{page}" for page in ("shop.home", "shop.category", "search.page", "product.page", "you.page")}

# Nobody becomes one of the shop's own users by a cookie: their keys do not begin so.
_KEY = re.compile(r"visitor-[0-9a-f]{32}")


def visitor() -> str | None:
    """The key that the browser sent back; None for somebody new, or who does not want to be followed."""
    key = request.cookies.get(COOKIE, "")
    return key if _KEY.fullmatch(key) and not is_private() else None


def is_private() -> bool:
    """Whether the browser asks not to be followed (Global Privacy Control, or the older Do Not Track)."""
    return request.headers.get("Sec-GPC") == "1" or request.headers.get("DNT") == "1"


def welcome(app: Flask) -> None:
    """Give each new browser a key, with the first page of the shop that it sees."""

    @app.after_request
    def give(response: Response) -> Response:
        shown = request.endpoint in PAGES and request.method == "GET" and response.status_code == 200
        if shown and visitor() is None and not is_private():
            keep(response, f"visitor-{token_hex(16)}")
        return response


def keep(response: Response, key: str) -> None:
    """Let the browser send this key from now on."""
    response.set_cookie(COOKIE, key, max_age=LASTS, secure=request.is_secure, httponly=True, samesite="Lax")


def note_view(database: Database, sku: str) -> None:
    """Store that the visitor looks at a product, once an hour; a click where one of our lists led there.

    The page is shown all the same where it cannot be stored.
    """
    key = visitor()
    if key is None or request.method != "GET" or "prefetch" in request.headers.get("Sec-Purpose", ""):
        return
    list_id = _list_id(request.args.get("from"))
    kind: Kind = "view" if list_id is None else "click"
    hour = datetime.now(UTC).strftime("%Y%m%d%H")
    try:
        event = EventData(key, kind, sku, recommendation_id=list_id, source_id=f"web:{kind}:{key}:{hour}")
        add_events(database, [event])
    except (DatabaseUnavailable, TookTooLong, Conflict) as error:
        log.warning("a %s of product %s is not stored: %s", kind, sku, error)


def likes(database: Database, sku: str) -> bool:
    """Whether the visitor likes a product."""
    key = visitor()
    return key is not None and is_stored(database, sku, _like(key))


def like(database: Database, sku: str) -> None:
    """Store that the visitor likes a product; a second time changes nothing."""
    key = visitor()
    if key is not None:
        add_events(database, [EventData(key, "like", sku, source_id=_like(key))])


def like_no_more(database: Database, sku: str) -> None:
    """Take a like back."""
    key = visitor()
    if key is not None:
        take_back(database, sku, _like(key))


def _like(key: str) -> str:
    return f"web:like:{key}"


def _list_id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        # An address is anybody's to change: what is no list led nowhere.
        return None
