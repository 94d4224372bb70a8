"""How far the catalogue is embedded."""

from dataclasses import dataclass

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries

SQL = load_queries("catalog")


@dataclass(frozen=True)
class SpaceFill:
    """How many products an embedding space has vectors of."""

    name: str
    state: str
    products: int


def count_embedded(database: Database) -> list[SpaceFill]:
    """Every space with the number of its vectors, oldest first."""
    with database.read() as connection, connection.cursor(row_factory=class_row(SpaceFill)) as cursor:
        return cursor.execute(SQL["count_embedded"]).fetchall()
