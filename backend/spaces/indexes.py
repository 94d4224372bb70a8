"""HNSW indexes of a space: built after a bulk fill, kept up by every single insert after that."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg.errors import LockNotAvailable

from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.spaces.space import Space

SQL = load_queries("spaces")

# Below this many products an exact scan is faster than an index pays for (docs/decisions/0004).
FEWEST_INDEXED = 1_000
# Up to here an exact scan is quick enough to stand in while a large fill goes on without indexes.
MOST_UNINDEXED = 25_000
# Over 12,000 real products the graph of pgvector's default, 64, misses one in 25 at ef_search 16 and some products at
# any; this one is built in 1.2 times the time and finds .9995 (docs/decisions/0009).
EF_CONSTRUCTION = 200


@dataclass(frozen=True)
class HnswIndex:
    """One index: on a typed column of a space's partition, with the operator class that its queries order by.

    ``table`` is the partitioned table: product_embeddings, or review_embeddings.
    """

    name: str
    column: str
    dimensions: int
    operators: str
    table: str = "product_embeddings"


def wanted_indexes(space: Space) -> list[HnswIndex]:
    """The indexes of a space: inner product on ``fused``, cosine on each block when there are several.

    None where the kernel is linear: an HNSW graph needs a product to be its own nearest.
    """
    if space.kernel == "linear":
        return []
    blocks = [
        (name, dimensions)
        for name, dimensions in zip(("text", "image", "reviews"), space.dimensions, strict=True)
        if dimensions
    ]
    prefix = f"product_embeddings_{space.id}"
    indexes = [HnswIndex(f"{prefix}_fused_hnsw", "fused", sum(space.dimensions), "halfvec_ip_ops")]
    if len(blocks) > 1:
        indexes += [HnswIndex(f"{prefix}_{name}_hnsw", name, size, "halfvec_cosine_ops") for name, size in blocks]
    return indexes


def review_index(space: Space) -> HnswIndex | None:
    """The index of single reviews, for the search inside them; None where the space has none."""
    if not space.reviews_encoder:
        return None
    name = f"review_embeddings_{space.id}_embedding_hnsw"
    return HnswIndex(name, "embedding", space.reviews_dimensions, "halfvec_cosine_ops", "review_embeddings")


def are_indexes_whole(connection: Connection[Row], space: Space) -> bool:
    """Whether a space has every index that it should have; a small one needs none."""
    present = _present(connection, space)
    missing = [index for index in wanted_indexes(space) if not present.get(index.name)]
    if missing and _fill(connection, space)[0] >= FEWEST_INDEXED:
        return False
    of_reviews = review_index(space)
    return of_reviews is None or bool(present.get(of_reviews.name)) or not _has_many_reviews(connection, space)


def prepare_for_fill(database: Database, space: Space) -> bool:
    """Drop the indexes of a space that is small beside what waits to be stored in it; returns whether any was.

    Building an index at the end is many times faster than inserting into it, and a small space is answered exactly.
    Nothing is dropped while another process builds, or where a running query would hold it up: every query that comes
    behind a waiting DROP INDEX would wait too.
    """
    try:
        with database.write() as connection:
            embedded, waiting = _fill(connection, space)
            if not (waiting >= max(FEWEST_INDEXED, embedded) and embedded <= MOST_UNINDEXED):
                return False
            locked = connection.execute(SQL["lock_indexing_in_transaction"], {"space_id": space.id}).fetchone()
            if locked is None or not locked[0]:
                return False
            connection.execute(SQL["hurry"])
            names = _present(connection, space)
            for name in names:
                connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier("shelfmate", name)))
    except LockNotAvailable:
        return False
    return bool(names)


def build_indexes(connection: Connection[Row], space: Space, report: Callable[[str], None]) -> list[str]:
    """Build what is missing of a space's indexes without blocking writers; returns the names that were built.

    Does nothing for a space that is small, or while another process builds. An index that a crash left half built
    is dropped first. ``connection`` is in autocommit and of no further use to others.
    """
    built: list[str] = []
    wanted = wanted_indexes(space) if _fill(connection, space)[0] >= FEWEST_INDEXED else []
    of_reviews = review_index(space)
    if of_reviews is not None and _has_many_reviews(connection, space):
        wanted.append(of_reviews)
    if not wanted:
        return built
    locked = connection.execute(SQL["lock_indexing"], {"space_id": space.id}).fetchone()
    if locked is None or not locked[0]:
        return built
    present = _present(connection, space)
    connection.execute(SQL["build_settings"])
    for index in wanted:
        if present.get(index.name):
            continue
        if index.name in present:
            connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier("shelfmate", index.name)))
        report(f"building the index {index.name}")
        connection.execute(_create(space, index))
        built.append(index.name)
    return built


def _create(space: Space, index: HnswIndex) -> sql.Composed:
    return sql.SQL(
        "CREATE INDEX CONCURRENTLY {} ON {} USING hnsw (({}::halfvec({})) {}) WITH (ef_construction = {})"
    ).format(
        sql.Identifier(index.name),
        sql.Identifier("shelfmate", f"{index.table}_{space.id}"),
        sql.Identifier(index.column),
        sql.Literal(index.dimensions),
        sql.SQL(index.operators),
        sql.Literal(EF_CONSTRUCTION),
    )


def _present(connection: Connection[Row], space: Space) -> dict[str, bool]:
    return dict(connection.execute(SQL["indexes"], {"space_id": space.id}).fetchall())


def _has_many_reviews(connection: Connection[Row], space: Space) -> bool:
    row = connection.execute(SQL["has_many_reviews"], {"space_id": space.id, "fewest": FEWEST_INDEXED}).fetchone()
    return bool(row and row[0])


def _fill(connection: Connection[Row], space: Space) -> tuple[int, int]:
    row = connection.execute(SQL["size"], {"space_id": space.id}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
