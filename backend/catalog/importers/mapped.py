"""Import of a CSV or JSON Lines file whose columns are mapped to fields."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from backend.catalog.importers.chunks import Load, Row, Transaction, import_rows, importing
from backend.catalog.importers.mapping import ColumnMapping, Fields, Values
from backend.catalog.importers.progress import follow
from backend.catalog.importers.records import Record, Records, open_records
from backend.catalog.importers.report import tallied
from backend.catalog.importers.result import ImportResult, OnProgress, Problem
from backend.database.connection import Database

R = TypeVar("R", bound=Row)
MakeRow = Callable[[Record, str, Values], R | list[Problem]]


def import_mapped(
    database: Database,
    source: Path,
    fields: Fields,
    make_row: MakeRow[R],
    load: Load[R],
    *,
    prepare: Callable[[Transaction], object],
    columns: Mapping[str, str],
    delimiter: str | None,
    report: Path | None,
    progress: OnProgress | None,
) -> ImportResult:
    """Load the rows of a file in chunks of one transaction.

    Args:
        database: where to.
        source: a .csv, .tsv or .jsonl file, .gz or not, in UTF-8.
        fields: what a row is made of.
        make_row: makes a row of a record, the file's name and the record's values, or says what is wrong with it.
        load: writes a chunk.
        prepare: called with the connection before the first chunk.
        columns: column by field, where they differ.
        delimiter: what separates the values of a CSV, where it is no comma.
        report: a path for what is wrong with which line.
        progress: called after every chunk.

    Raises:
        InvalidInput: the file as a whole cannot be used.
    """
    with (
        tallied(report, [source]) as tally,
        open_records(source, delimiter) as records,
        importing(database) as connection,
    ):
        mapping = ColumnMapping(fields, columns, source, records.columns)
        prepare(connection)
        rows = _rows(records, mapping, make_row)
        import_rows(connection, rows, load, tally, follow(records, tally, progress))
        return tally.result()


def _rows(records: Records, mapping: ColumnMapping, make_row: MakeRow[R]) -> Iterator[R | list[Problem]]:
    for record in records:
        if isinstance(record, Problem):
            yield [record]
            continue
        values = mapping.read(record)
        yield values if isinstance(values, list) else make_row(record, records.lines.name, values)
