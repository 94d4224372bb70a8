"""The health of HNSW indexes: what a search walks past in vain or never reaches, and the rebuild that mends it."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg.errors import LockNotAvailable
from psycopg.rows import class_row

from backend.database.connection import Row
from backend.database.queries import load_queries
from backend.spaces.indexes import FEWEST_INDEXED, HnswIndex, wanted_indexes
from backend.spaces.indexes import SQL as SPACES_SQL
from backend.spaces.space import Space

SQL = load_queries("upkeep")

# Products that are asked for by their own vector at each check: a cluster of 1 % is missed by 1 check in 20.
SAMPLE = 300
MOST_LOST = 0.01
# One lost product may be an accident of an insert; several are a part of the graph.
FEWEST_LOST = 3
MOST_DEAD = 0.2
FEWEST_DEAD = 1_000
MOST_GROWTH = 1.5
# Indexes are built with m 16 and ef_construction 200; each attempt at a graph that reaches everything tries harder.
HARDER = ((16, 300), (24, 300), (32, 400))


@dataclass(frozen=True)
class Check:
    """One index as it was found.

    ``build`` is the number of its file, ``bytes`` its size, ``growth`` its bytes for each product against those when
    this build was first seen, ``dead_share`` (0 to 1) the rows of its table that are dead, and ``lost`` how many of the
    ``asked`` products it does not reach.
    """

    build: int
    options: str
    products: int
    bytes: int
    dead: int
    dead_share: float
    growth: float
    asked: int
    lost: int

    @property
    def reached(self) -> float:
        """Share of the products that came back, 0 to 1."""
        return 1 - self.lost / self.asked if self.asked else 1.0

    @property
    def cut_off(self) -> bool:
        """Whether a part of the products is out of the graph's reach."""
        return self.lost >= FEWEST_LOST and self.lost > MOST_LOST * self.asked

    @property
    def fault(self) -> str | None:
        """Why the index should be built anew, for people; None when it is well."""
        if self.cut_off:
            return f"{self.lost} of {self.asked} products did not come back when asked for by their own vector"
        if self.dead >= FEWEST_DEAD and self.dead_share > MOST_DEAD:
            return f"{self.dead_share:.0%} of the rows that it points at are dead"
        if self.growth > MOST_GROWTH:
            return f"it takes {self.growth:.1f} times the room for each product that it took once"
        return None


@dataclass(frozen=True)
class _State:
    build: int
    bytes: int
    options: str
    dead: int
    products: int
    first_bytes: float | None


def check_index(connection: Connection[Row], space: Space, index: HnswIndex, *, sample: int = SAMPLE) -> Check | None:
    """Look at one index and keep what was found; None when it is not there, not whole, or its space is small."""
    with connection.cursor(row_factory=class_row(_State)) as cursor:
        state = cursor.execute(SQL["index_state"], {"space_id": space.id, "index_name": index.name}).fetchone()
    if state is None or state.products < FEWEST_INDEXED:
        return None
    row = connection.execute(
        SQL["probe_index"], {"space_id": space.id, "block": index.column, "sample": sample}
    ).fetchone()
    asked, lost = row or (0, 0)
    now = state.bytes / max(1, state.products)
    check = Check(
        build=state.build,
        options=state.options,
        products=state.products,
        bytes=state.bytes,
        dead=state.dead,
        # The statistics' own count of live rows is late, or off by what was copied in lately.
        dead_share=state.dead / (state.dead + state.products),
        growth=now / state.first_bytes if state.first_bytes else 1.0,
        asked=asked,
        lost=lost,
    )
    connection.execute(
        SQL["keep_check"],
        {
            "space_id": space.id,
            "index_name": index.name,
            "build": check.build,
            "products": check.products,
            "bytes": check.bytes,
            "dead_share": check.dead_share,
            "growth": check.growth,
            "asked": check.asked,
            "lost": check.lost,
        },
    )
    return check


def mend_indexes(
    connection: Connection[Row], space: Space, report: Callable[[str], None], interrupted: Callable[[], bool]
) -> list[str]:
    """Check the indexes of a space and build those anew that are at fault; returns what was changed, for people.

    Queries and writers go on meanwhile. Nothing is built while another process builds, nor twice in six hours.
    ``connection`` is in autocommit and of no further use to others: it keeps the lock and the settings of a build.
    """
    done: list[str] = []
    for index in wanted_indexes(space):
        if interrupted():
            break
        check = check_index(connection, space, index)
        if check is None or check.fault is None:
            continue
        report(f"the index {index.name} is at fault: {check.fault}")
        lately = connection.execute(SQL["rebuilt_lately"], {"index_name": index.name}).fetchone()
        if lately is not None and lately[0]:
            report(f"it was rebuilt less than six hours ago, and is left as it is: {index.name}")
            continue
        locked = connection.execute(SPACES_SQL["lock_indexing"], {"space_id": space.id}).fetchone()
        if locked is None or not locked[0]:
            break
        done += _mend(connection, space, index, check, report, interrupted)
    if done and not interrupted():
        # The dead rows that the new indexes no longer know would be counted against them.
        connection.execute(sql.SQL("VACUUM {}").format(_table(space)))
    return done


def _mend(
    connection: Connection[Row],
    space: Space,
    index: HnswIndex,
    found: Check,
    report: Callable[[str], None],
    interrupted: Callable[[], bool],
) -> list[str]:
    connection.execute(SPACES_SQL["build_settings"])
    for (name,) in connection.execute(SQL["half_built"], {"space_id": space.id}).fetchall():
        connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier("shelfmate", name)))
    done: list[str] = []
    check: Check | None = found
    attempts = HARDER if found.cut_off else (None,)
    for attempt in attempts:
        if check is None or interrupted():
            break
        before = check
        if attempt is not None:
            connection.execute(SQL["serial_build"])
            if not _set_options(connection, index, *attempt):
                report(f"{index.name} is in use all the time; the next pass tries again")
                break
        connection.execute(sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(sql.Identifier("shelfmate", index.name)))
        check = check_index(connection, space, index)
        if check is None:
            break
        connection.execute(
            SQL["keep_change"],
            {
                "space_id": space.id,
                "action": "rebuild",
                "index_name": index.name,
                "old": before.options or "default options",
                "new": check.options or "default options",
                "before": before.reached,
                "after": check.reached,
                "reason": before.fault or found.fault,
            },
        )
        done.append(
            f"rebuilt {index.name} with {check.options or 'default options'}: "
            f"it reaches {check.reached:.1%} of its products, {before.reached:.1%} before"
        )
        report(done[-1])
        if not check.cut_off:
            break
    return done


def _set_options(connection: Connection[Row], index: HnswIndex, m: int, ef_construction: int) -> bool:
    try:
        with connection.transaction():
            # Queries that come behind a waiting ALTER INDEX would wait too.
            connection.execute(SPACES_SQL["hurry"])
            connection.execute(
                sql.SQL("ALTER INDEX {} SET (m = {}, ef_construction = {})").format(
                    sql.Identifier("shelfmate", index.name), sql.Literal(m), sql.Literal(ef_construction)
                )
            )
    except LockNotAvailable:
        return False
    return True


def _table(space: Space) -> sql.Identifier:
    return sql.Identifier("shelfmate", f"product_embeddings_{space.id}")
