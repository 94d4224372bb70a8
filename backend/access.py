"""Keys of the HTTP API: made once, kept as a hash, checked with every request where the settings ask for them."""

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Literal, get_args

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import Conflict, InvalidInput, KeyRequired, NotAllowed, NotFound

SQL = load_queries("access")

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

PREFIX = "sm_"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
# A key that was revoked opens no door any more after so many seconds.
REMEMBERED_SECONDS = 5.0
# Keys of one shop are few; whoever guesses cannot fill the memory.
MOST_REMEMBERED = 1_000


@dataclass(frozen=True)
class Key:
    """What is known of a key; the key itself is known to its owner only."""

    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def create_key(database: Database, name: str, scopes: Sequence[str]) -> str:
    """Make a key and return it; it cannot be read again. ``admin`` may do all that ``write`` may, and that ``read``.

    Raises:
        InvalidInput: the name or a scope cannot be used.
        Conflict: a key has this name, or had it: names are not used twice.
    """
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a key's name: letters, digits, spaces, dots, hyphens and underscores", field="name"
        )
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(f"scopes are {', '.join(SCOPES)}, not {', '.join(unknown) or 'none'}", field="scope")
    key = PREFIX + secrets.token_urlsafe(32)
    with database.write() as connection:
        row = connection.execute(
            SQL["create"], {"name": name, "key_hash": _hash(key), "scopes": sorted(set(scopes))}
        ).fetchone()
    if row is None:
        raise Conflict(f"there is a key {name!r} already, or there was: choose another name", field="name")
    return key


def list_keys(database: Database) -> list[Key]:
    """Every key, those that work first, each by name."""
    with database.read() as connection, connection.cursor(row_factory=class_row(Key)) as cursor:
        return cursor.execute(SQL["list"]).fetchall()


def revoke_key(database: Database, name: str) -> None:
    """End a key; servers that are running refuse it ``REMEMBERED_SECONDS`` later.

    Raises:
        NotFound: no key of this name works.
    """
    with database.write() as connection:
        if connection.execute(SQL["revoke"], {"name": name}).fetchone() is None:
            raise NotFound(f"no key {name!r} works: `shelfmate keys list` shows which do")


class Guard:
    """Decides whether a key opens a door; shared by the threads of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._known: dict[bytes, tuple[float, list[str]]] = {}

    def check(self, key: str | None, scope: Scope) -> None:
        """Let a request pass whose key has this scope or a higher one.

        Raises:
            KeyRequired: there is no key, or it is none of ours, or was revoked.
            NotAllowed: the key works, but not for this.
        """
        if not key:
            raise KeyRequired(
                "this needs a key: send it as `Authorization: Bearer KEY`; `shelfmate keys create` makes one"
            )
        scopes = self._scopes(_hash(key))
        if not scopes:
            raise KeyRequired("this key does not work: it is unknown or was revoked")
        if not set(SCOPES[SCOPES.index(scope) :]) & set(scopes):
            raise NotAllowed(f"this needs a key of the scope {scope}; this one has {', '.join(scopes)}")

    def _scopes(self, key_hash: bytes) -> list[str]:
        now = time.monotonic()
        with self._lock:
            until, scopes = self._known.get(key_hash, (0.0, []))
        if now < until:
            return scopes
        with self._database.write() as connection:
            row = connection.execute(SQL["find"], {"key_hash": key_hash}).fetchone()
            if row is not None:
                connection.execute(SQL["used"], {"key_hash": key_hash})
        scopes = row[0] if row else []
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[key_hash] = (now + REMEMBERED_SECONDS, scopes)
        return scopes


def _hash(key: str) -> bytes:
    # Drawn from 256 bits: a slow hash would protect nothing that a fast one does not.
    return hashlib.sha256(key.encode()).digest()
