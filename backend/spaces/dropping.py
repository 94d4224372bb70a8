"""Dropping a space with its vectors and indexes, step by step: what a crash leaves over, another call goes on with."""

import time
from collections.abc import Callable

from psycopg import Connection, sql
from psycopg.errors import DeadlockDetected, LockNotAvailable, UndefinedTable

from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.errors import Conflict
from backend.spaces.life import clear_jobs, find_space, retire
from backend.spaces.space import Space
from backend.spaces.waiting import lock_holder

SQL = load_queries("spaces")

PAUSE = 0.25
TABLES = ("product_embeddings", "review_embeddings")


def drop_space(
    database: Database, name: str, *, patience: float = 60, report: Callable[[str], None] = lambda _: None
) -> None:
    """Drop a space: no more jobs, its partition detached and dropped, its row with its models deleted.

    Readers and writers go on; what they hold for long is waited for, up to ``patience`` seconds. Lists that were
    frozen from the space answer Expired, and results that workers hold for it are refused.

    Raises:
        NotFound: there is no such space.
        Conflict: it is active, or somebody held its tables all the time; call again, it goes on where it was.
    """
    space = find_space(database, name)
    if space.state != "retired":
        space = retire(database, name)
    deadline = time.monotonic() + patience
    while True:
        clear_jobs(database, space)
        try:
            for table in TABLES:
                _detach(database, space, table)
            with database.write() as connection:
                connection.execute(SQL["hurry_much"])
                for table in TABLES:
                    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_partition(space, table)))
                connection.execute(SQL["delete"], {"space_id": space.id})
        except (LockNotAvailable, DeadlockDetected) as error:
            holder = lock_holder(database, "product_writers")
            if time.monotonic() >= deadline:
                raise Conflict(
                    f"the space {name} is retired and half dropped, but {holder} holds its tables: "
                    "wait until it has ended and drop the space again"
                ) from error
            report(f"waiting for {holder}, which holds its tables")
            time.sleep(PAUSE)
        else:
            return


def _detach(database: Database, space: Space, table: str) -> None:
    """Make the partition a table of its own, without a lock that readers of other spaces would wait for."""
    with database.alone() as connection:
        row = connection.execute(SQL["partition"], {"space_id": space.id, "table": table}).fetchone()
        if row is None or not row[0]:
            return
        # It waits for every transaction that may still read it through its parent.
        connection.execute(SQL["patience"])
        if row[1]:
            _alter(connection, space, table, "FINALIZE")
        else:
            _alter(connection, space, table, "CONCURRENTLY")


def _alter(connection: Connection[Row], space: Space, table: str, how: str) -> None:
    statement = sql.SQL("ALTER TABLE {} DETACH PARTITION {} ").format(
        sql.Identifier("shelfmate", table), _partition(space, table)
    )
    try:
        connection.execute(statement + sql.SQL(how))
    except UndefinedTable:
        # Another process drops it, too, and was quicker.
        return


def _partition(space: Space, table: str) -> sql.Identifier:
    return sql.Identifier("shelfmate", f"{table}_{space.id}")
