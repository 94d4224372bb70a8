"""Published reviews on their way into the database: large chunks, and no memory of the lines before.

A published file says the same review more than once, and each review's text, stars and time are what it is known by.
So nothing has to be remembered of a file of any length: a review that is stored already only gains votes.
"""

from collections.abc import Sequence
from typing import NamedTuple, overload

from backend.catalog.importers.chunks import Transaction, load_chunk
from backend.catalog.importers.lanes import Store
from backend.catalog.importers.published_chunks import Chunk
from backend.catalog.importers.result import Outcome
from backend.database.queries import load_queries

# The products of a chunk are written once each, to count their reviews: with 1,000 rows a chunk that alone takes
# longer than all else (docs/decisions/0015).
MOST_ROWS = 20_000
# Bytes, about: those of 20,000 reviews of usual length are 10 million.
MOST_SIZE = 12 * 2**20
# Two: the server's work and the reader's take about as long on two cores, and each lane is a connection.
LANES = 2
_PIECE = 2**18


class _Row(NamedTuple):
    """A review; ``copy`` is its COPY text."""

    file: str
    line: int
    size: int
    copy: bytes


class _Rows(Sequence[_Row]):
    """The reviews of a chunk, which are taken apart only where the database refuses one of them."""

    def __init__(self, file: str, chunk: Chunk) -> None:
        self.copy = chunk.copy
        self._file = file
        self._lines = chunk.lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> _Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[_Row]: ...
    def __getitem__(self, index: int | slice) -> _Row | list[_Row]:
        texts = self.copy.splitlines(keepends=True)
        return [_Row(self._file, line, len(text), text) for line, text in zip(self._lines, texts, strict=True)][index]


def prepare_published(connection: Transaction) -> None:
    """Make the temporary table that the loader needs; it lasts as long as the connection."""
    queries = load_queries("imports")
    for name in ("make_room", "create_staged_published"):
        connection.execute(queries[name])


def storing(file: str) -> Store:
    """A function that writes a chunk of this file in one transaction; products that do not exist are made."""

    def store(connection: Transaction, chunk: Chunk) -> Sequence[Outcome]:
        outcomes = load_chunk(connection, _Rows(file, chunk), _load)
        for outcome in outcomes:
            # What is wrong with a review is wrong with every line that says it.
            more = [
                problem._replace(line=line)
                for problem in outcome.problems
                for line in chunk.again.get(problem.line, ())
            ]
            outcome.problems += more
            outcome.counts["bad"] += len(more)
            outcome.counts["unchanged"] -= len(more)
        outcomes[0].counts["unchanged"] += sum(map(len, chunk.again.values()))
        return outcomes

    return store


def _load(connection: Transaction, rows: Sequence[_Row]) -> Outcome:
    queries = load_queries("imports")
    outcome = Outcome()
    with connection.cursor() as cursor:
        with cursor.copy(queries["copy_published"]) as copy:
            text = memoryview(rows.copy if isinstance(rows, _Rows) else b"".join(row.copy for row in rows))
            # The driver keeps a buffer as large as what it is given at once.
            for start in range(0, len(text), _PIECE):
                copy.write(text[start : start + _PIECE])
        outcome.counts["products_created"] = cursor.execute(queries["create_published_products"]).rowcount
        inserted, updated = cursor.execute(queries["write_published"]).fetchone() or (0, 0)
    outcome.counts.update(inserted=inserted, updated=updated, unchanged=len(rows) - inserted - updated)
    return outcome
