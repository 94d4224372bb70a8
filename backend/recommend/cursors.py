"""Cursors of frozen lists: signed, so that nobody can make one, and good for as long as the list is."""

import hmac
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from threading import Lock
from uuid import UUID

from itsdangerous import Signer

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import ConfigurationError, Expired, InvalidCursor

SQL = load_queries("frozen")

# A list's id, the position in it, and the second since 1970 from which on it is no longer kept. 30 bytes need no
# padding in base64.
_CONTENT = struct.Struct(">16sIQ2x")
_LONGEST = 200

# A key that another process added is seen after so long, or when a cursor that it signed comes.
_KEYS_SECONDS = 60.0
_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Position:
    """Where a page starts: after ``after`` entries of the list."""

    list_id: UUID
    after: int


@dataclass
class Cursors:
    """Signs and reads the cursors of one kind of list, with the keys that all servers of a database share."""

    database: Database
    kind: str
    _signers: list[Signer] = field(default_factory=list, repr=False)
    _read_at: float = field(default=float("-inf"), repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def sign(self, position: Position, expires_at: datetime) -> str:
        """The cursor of the page that starts there."""
        content = _CONTENT.pack(position.list_id.bytes, position.after, int(expires_at.timestamp()))
        return self._current(_KEYS_SECONDS)[-1].sign(urlsafe_b64encode(content)).decode()

    def read(self, cursor: str) -> Position:
        """The position that ``sign`` was given.

        Raises:
            InvalidCursor: this kind of list has no such cursor, or a character of it was changed.
            Expired: the list is no longer kept.
        """
        signed = cursor.encode(errors="surrogatepass")
        if len(signed) > _LONGEST or not (
            _is_signed(signed, self._current(_KEYS_SECONDS)) or _is_signed(signed, self._current(_RETRY_SECONDS))
        ):
            raise InvalidCursor("is not a next_cursor of this list: start again without it", field="cursor")
        key, after, expires = _CONTENT.unpack(urlsafe_b64decode(signed.partition(b".")[0]))
        if expires <= time.time():
            raise Expired("this list has expired: ask again for a new one")
        return Position(UUID(bytes=key), after)

    def _current(self, seconds: float) -> list[Signer]:
        """The signers, oldest key first, read again when that was longer ago."""
        with self._lock:
            if time.monotonic() - self._read_at > seconds:
                with self.database.primary() as connection:
                    keys = [bytes(row[0]) for row in connection.execute(SQL["signing_keys"])]
                if not keys:
                    raise ConfigurationError("no signing key is left: run INSERT INTO signing_keys DEFAULT VALUES")
                # Of this version of the content: another one needs another salt.
                salt = f"shelfmate.cursors.1.{self.kind}".encode()
                self._signers = [Signer(key, salt=salt, key_derivation="hmac", digest_method=sha256) for key in keys]
                self._read_at = time.monotonic()
            return self._signers


def _is_signed(signed: bytes, signers: list[Signer]) -> bool:
    # Compared as text: base64 would read several last characters as the same signature.
    value = signed.partition(b".")[0]
    return any(hmac.compare_digest(signer.sign(value), signed) for signer in signers)
