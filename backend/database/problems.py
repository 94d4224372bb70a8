"""What the server says, in terms of backend.errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolTimeout

from backend.errors import (
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    EmbeddingFailed,
    EmbeddingPending,
    Expired,
    InvalidInput,
    NotFound,
    ShelfmateError,
    TookTooLong,
)

# Raised by the published functions; migrations/sql/0001/catalogue.sql and 0002/life.sql list them.
RAISED: dict[str, Callable[[str, str | None], ShelfmateError]] = {
    "SM001": lambda message, _field: NotFound(message),
    "SM002": lambda message, _field: EmbeddingPending(message),
    "SM003": lambda message, _field: EmbeddingFailed(message),
    "SM004": lambda message, field: InvalidInput(message, field=field),
    "SM005": lambda message, field: InvalidInput(message, field=field),
    "SM006": lambda message, field: InvalidInput(message, field=field),
    "SM007": lambda message, _field: ConfigurationError(message),
    "SM008": lambda message, _field: Expired(message),
    "SM009": lambda message, field: Conflict(message, field=field),
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise Shelfmate's error for a published function's code, and DatabaseUnavailable for a lost or missing server.

    A statement that took longer than its connection allows is TookTooLong, a text that no database holds InvalidInput.
    Any other error of psycopg passes unchanged: constraint violations mean different things to different callers.
    """
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable(f"no database connection became free in time: {error}") from error
    except psycopg.Error as error:
        raised = RAISED.get(error.sqlstate or "")
        if isinstance(error, psycopg.errors.QueryCanceled):
            raise TookTooLong(
                "the database did not finish in the time that a statement may take: ask for less, ask again when it is "
                "less busy, or raise SHELFMATE_STATEMENT_TIMEOUT"
            ) from error
        if raised is not None:
            message = error.diag.message_primary or str(error)
            if error.sqlstate == "SM009" and error.diag.message_hint:
                message = f"{message}: {error.diag.message_hint[:1].lower()}{error.diag.message_hint[1:].rstrip('.')}"
            raise raised(message, error.diag.column_name) from error
        # The driver refuses NUL by itself.
        if isinstance(error, psycopg.DataError) and error.sqlstate is None and "NUL" in str(error):
            raise InvalidInput("a text holds a character that cannot be stored (NUL): remove it") from error
        if is_connection_loss(error):
            raise DatabaseUnavailable(f"the database connection was lost: {error}") from error
        raise


def is_connection_loss(error: psycopg.Error) -> bool:
    """Whether the server went away, rather than refused a statement (SQLSTATE class 08, 57P and no state at all)."""
    if not isinstance(error, psycopg.OperationalError):
        return False
    state = error.sqlstate
    return state is None or state.startswith(("08", "57P"))
