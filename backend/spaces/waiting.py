"""Who holds what a change of spaces needs, for people to end or to wait for."""

from dataclasses import dataclass

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries

SQL = load_queries("spaces")


@dataclass(frozen=True)
class _Holder:
    pid: int
    login: str | None
    state: str | None
    seconds: float | None

    def __str__(self) -> str:
        idle = ", which is idle in its transaction," if self.state == "idle in transaction" else ""
        since = "" if self.seconds is None else f" for {self.seconds:.0f} s"
        return f"process {self.pid} of {self.login}{idle}{since}"


def lock_holder(database: Database, query: str) -> str:
    """Who has held it longest, by the named query of spaces.sql; somebody, if it was let go meanwhile."""
    with database.primary() as connection, connection.cursor(row_factory=class_row(_Holder)) as cursor:
        holder = cursor.execute(SQL[query]).fetchone()
    return "another transaction" if holder is None else str(holder)
