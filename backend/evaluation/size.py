"""What a product takes on disk."""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import class_row

from backend.database.connection import Row
from backend.errors import NotFound
from backend.evaluation.questions import SQL


@dataclass(frozen=True)
class Size:
    """Bytes of the relations of one space's partition, dead rows and free room included.

    ``rows`` is the table's main file, headers and line pointers of its tuples in it; ``out_of_line`` its TOAST table
    with index; ``key`` the index of the primary key; ``fused_index`` the HNSW index on ``fused``, ``other_indexes``
    those of single modalities. ``fused_value`` is the mean size of the fused vector itself, in bytes.
    """

    products: int
    rows: int
    out_of_line: int
    key: int
    fused_index: int
    other_indexes: int
    fused_value: float

    @property
    def row_and_index(self) -> float:
        """Bytes a product of the row that holds the fused vector, and of its index."""
        return self._each(self.rows + self.fused_index)

    @property
    def everything(self) -> float:
        """Bytes a product of all that the space stores."""
        return self._each(self.rows + self.out_of_line + self.key + self.fused_index + self.other_indexes)

    @property
    def row(self) -> float:
        """Bytes a product of the table's main file."""
        return self._each(self.rows)

    @property
    def index(self) -> float:
        """Bytes a product of the HNSW index on ``fused``."""
        return self._each(self.fused_index)

    def _each(self, size: int) -> float:
        return size / self.products if self.products else 0.0


def read_size(connection: Connection[Row], space_id: int) -> Size:
    """The size of a space as it is now (``pg_relation_size`` of each relation).

    Raises:
        NotFound: it has no partition.
    """
    with connection.cursor(row_factory=class_row(Size)) as cursor:
        size = cursor.execute(SQL["size"], {"space_id": space_id}).fetchone()
    if size is None:
        raise NotFound(f"there is no table of the vectors of space {space_id}")
    return size
