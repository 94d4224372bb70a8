"""Every error that Shelfmate raises on purpose.

ShelfmateError
├── ConfigurationError            a setting or the machine is wrong
│   ├── DatabaseUnavailable       no server answers, or it cannot be started
│   └── WeightsMissing            an encoder's weight file is not on this machine
├── InvalidInput                  the caller sent something that cannot be accepted
│   ├── UnreadableImage           the bytes are not an image that we accept
│   ├── AddressRefused            what is behind an address is not fetched
│   ├── InvalidCursor             the cursor is of another list, or was changed
│   └── NoExamples                nothing is named that something could be like
├── NotFound                      the thing named does not exist
├── Expired                       the thing named is no longer kept
├── KeyRequired                   no key came with the request, or one that does not work
├── NotAllowed                    the key does not open this
├── Conflict                      the thing named already exists, or changed meanwhile
└── NotReady                      right question, too early: ask again
    ├── EmbeddingPending          the product's embedding is not stored yet
    ├── EmbeddingFailed           the product's embedding job is dead
    ├── HostUnavailable           the host of an address does not answer
    ├── QueueFull                 so much waits to be embedded that no more is taken in bulk
    └── TookTooLong               the database did not answer within the time that a statement may take
"""

from http import HTTPStatus
from typing import ClassVar


class ShelfmateError(Exception):
    """The base of all errors; its message is a sentence for the person who can do something about it.

    ``problem`` is the last part of the RFC 9457 problem type, ``status`` the HTTP status it is answered with.
    """

    problem: ClassVar[str] = "internal-error"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR


class ConfigurationError(ShelfmateError):
    """A setting, or something on this machine, keeps Shelfmate from working; the message names the remedy."""

    problem = "configuration-error"


class DatabaseUnavailable(ConfigurationError):
    """No Postgres server answers, it cannot be started, or it cannot be used."""

    problem = "database-unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class WeightsMissing(ConfigurationError):
    """An encoder's weight file is not on this machine; the message says where it is looked for."""

    problem = "weights-missing"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class InvalidInput(ShelfmateError):
    """The caller sent something that cannot be accepted; ``field`` names the part at fault, when one is."""

    problem = "invalid-input"
    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnreadableImage(InvalidInput):
    """The bytes are not an image that Shelfmate accepts."""

    problem = "unreadable-image"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AddressRefused(InvalidInput):
    """What is behind an address is not fetched: not of the open internet, not there, too large, or not an image."""

    problem = "address-refused"


class InvalidCursor(InvalidInput):
    """The cursor is none of this list: of another one, or changed on the way."""

    problem = "invalid-cursor"


class NoExamples(InvalidInput):
    """A recommendation needs something to be like or unlike, or leave to fall back on what is popular."""

    problem = "no-examples"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotFound(ShelfmateError):
    """The thing named does not exist."""

    problem = "not-found"
    status = HTTPStatus.NOT_FOUND


class Expired(ShelfmateError):
    """The list named was kept for a while only, or the space that answered is gone: ask again for a new one."""

    problem = "expired"
    status = HTTPStatus.GONE


class KeyRequired(ShelfmateError):
    """The request needs a key, and none came with it, or one that does not work."""

    problem = "key-required"
    status = HTTPStatus.UNAUTHORIZED


class NotAllowed(ShelfmateError):
    """The key that came with the request does not open this."""

    problem = "not-allowed"
    status = HTTPStatus.FORBIDDEN


class Conflict(ShelfmateError):
    """The thing named already exists, changed meanwhile, or is in a state that does not allow what was asked.

    ``field`` names the part of the request at fault, when one is.
    """

    problem = "conflict"
    status = HTTPStatus.CONFLICT

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotReady(ShelfmateError):
    """The question is right but comes too early; ask again after ``retry_after`` seconds."""

    problem = "not-ready"
    status = HTTPStatus.CONFLICT

    def __init__(self, message: str, *, retry_after: int | None = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Busy(NotReady):
    """As many of these as may be worked on at a time are."""

    problem = "busy"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class EmbeddingPending(NotReady):
    """The product exists, but its embedding is not stored yet."""

    problem = "embedding-pending"


class EmbeddingFailed(NotReady):
    """The product exists, but its embedding job is dead; ``shelfmate jobs`` shows why and retries it."""

    problem = "embedding-failed"

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=None)


class HostUnavailable(NotReady):
    """The host of an address does not answer, or asks to be left alone for a while."""

    problem = "host-unavailable"
    status = HTTPStatus.BAD_GATEWAY

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message, retry_after=retry_after)


class QueueFull(NotReady):
    """So much waits to be embedded that bulk requests are sent back; nothing of the request was stored."""

    problem = "queue-full"
    status = HTTPStatus.TOO_MANY_REQUESTS


class TookTooLong(NotReady):
    """The database did not finish in the time that one statement may take (``SHELFMATE_STATEMENT_TIMEOUT``)."""

    problem = "took-too-long"
    status = HTTPStatus.SERVICE_UNAVAILABLE
