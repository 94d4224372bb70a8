"""The way to the database: one pool for each process, over the server that the settings name."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import psycopg
from pgvector.psycopg import register_vector
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from backend.database import embedded
from backend.database.problems import translated
from backend.errors import ConfigurationError, DatabaseUnavailable
from backend.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

SEARCH_PATH = "shelfmate,public"

Row = tuple[Any, ...]


@dataclass
class Database:
    """Connections to one server, opened when first asked for; a context manager that closes them.

    ``statement_timeout``: seconds that one statement of a pooled connection may take; 0 for any time.
    """

    # They may hold a password, which no log and no stack trace has to show.
    dsn: str = field(repr=False)
    read_dsn: str | None = field(default=None, repr=False)
    pool_size: int = 10
    statement_timeout: float = 0
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)
    _pools: dict[str, ConnectionPool[Connection[Row]]] = field(default_factory=dict, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    @contextmanager
    def write(self) -> Iterator[Connection[Row]]:
        """A connection inside one transaction, committed at the end and rolled back on any error."""
        with self._borrowed(self.dsn) as connection, connection.transaction():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection[Row]]:
        """A connection for single statements that read, on the replica when there is one."""
        with self._borrowed(self.read_dsn or self.dsn) as connection:
            yield connection

    @contextmanager
    def primary(self) -> Iterator[Connection[Row]]:
        """A connection for single statements, each of which is a transaction of its own and may write."""
        with self._borrowed(self.dsn) as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection[Row]]:
        """A connection outside the pool in autocommit: for LISTEN, and for statements that refuse a transaction."""
        with translated(), psycopg.connect(self.dsn, autocommit=True) as connection:
            register_vector(connection)
            yield connection

    @property
    def engine(self) -> "Engine":
        """A SQLAlchemy engine without a pool of its own: for Alembic and pandas."""
        # Imported here, since it takes longer than most commands.
        from sqlalchemy import NullPool, create_engine

        return create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(self.dsn), poolclass=NullPool)

    @contextmanager
    def _borrowed(self, dsn: str) -> Iterator[Connection[Row]]:
        pool = self._pool(dsn)
        try:
            with translated(), pool.connection() as connection:
                yield connection
        except DatabaseUnavailable:
            # The server went away under the other idle connections too: the next caller gets a live one.
            pool.check()
            raise

    def _pool(self, dsn: str) -> ConnectionPool[Connection[Row]]:
        pool = self._pools.get(dsn)
        if pool is None:
            pool = ConnectionPool(
                dsn,
                min_size=0,
                max_size=self.pool_size,
                timeout=3,
                # Beyond it the pool would wait twice as long after each failure, and notice late that a server is back.
                reconnect_timeout=1,
                open=False,
                kwargs={"autocommit": True},
                configure=self._configure,
            )
            pool.open()
            # Two threads may both have made one; the second is closed at once.
            kept = self._pools.setdefault(dsn, pool)
            if kept is pool:
                self._stack.callback(pool.close)
            else:
                pool.close()
            return kept
        return pool

    def _configure(self, connection: Connection[Row]) -> None:
        register_vector(connection)
        if self.statement_timeout:
            milliseconds = f"{max(1, round(self.statement_timeout * 1000))}"
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [milliseconds])


def with_search_path(dsn: str, *, setting: str = "DATABASE_URL") -> str:
    """The same server, with Shelfmate's schema found without a prefix.

    Raises:
        ConfigurationError: ``dsn``, the value of ``setting``, is not a libpq connection string.
    """
    try:
        parameters = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        # libpq's own words repeat the value, with the password in it.
        raise ConfigurationError(
            f"{setting} is not a connection string that Postgres takes, such as postgresql://user:password@host/database"
        ) from error
    given = str(parameters.get("options") or "")
    if "search_path" in given:
        return dsn
    return make_conninfo(dsn, options=f"{given} -csearch_path={SEARCH_PATH}".strip())


@contextmanager
def open_database(settings: Settings, *, linger: float = 0) -> Iterator[Database]:
    """The database of these settings: the server that DATABASE_URL names, or our own, started or shared.

    ``linger``: seconds that our own server waits for another client after this command.

    Raises:
        DatabaseUnavailable: no server answers, or it cannot be used; the message says what to do.
    """
    with ExitStack() as stack:
        if settings.database_url:
            dsn = settings.database_url
        else:
            dsn = stack.enter_context(embedded.running(settings.home, linger=linger)).dsn("shelfmate")
        dsn = with_search_path(dsn)
        try:
            psycopg.connect(dsn, connect_timeout=10).close()
        except psycopg.OperationalError as error:
            remedy = ": mend DATABASE_URL, or unset it to use the embedded server" if settings.database_url else ""
            raise DatabaseUnavailable(f"no connection to the database: {str(error).strip()}{remedy}") from error
        read_dsn = settings.read_database_url
        if read_dsn is not None:
            read_dsn = with_search_path(read_dsn, setting="SHELFMATE_READ_DATABASE_URL")
        with Database(dsn, read_dsn, settings.pool_size) as database:
            yield database
