"""Import of a file of events: CSV or JSON Lines, columns mapped to fields."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from backend.catalog.events import KINDS, SQL, EventData, find_faults
from backend.catalog.importers.chunks import Transaction
from backend.catalog.importers.mapped import import_mapped
from backend.catalog.importers.mapping import Fields, Values
from backend.catalog.importers.records import Record
from backend.catalog.importers.report import shown
from backend.catalog.importers.result import ImportResult, OnProgress, Outcome, Problem
from backend.catalog.importers.values import read_key, read_sku, read_text, read_time
from backend.database.connection import Database
from backend.errors import InvalidInput

_NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, kw_only=True)
class EventRow:
    """One event, with a key of its own or one made of what it says."""

    file: str
    line: int
    size: int
    event: EventData


def import_events(
    database: Database,
    source: Path,
    *,
    columns: Mapping[str, str] = _NO_COLUMNS,
    delimiter: str | None = None,
    report: Path | None = None,
    progress: OnProgress | None = None,
) -> ImportResult:
    """Insert the events of a file that are not stored yet, in chunks of one transaction.

    An event is known again by the shop's ``id`` and its product; without an id by person, kind, product, value and
    time, so that the same file again stores nothing.

    Args:
        database: where to.
        source: a .csv, .tsv or .jsonl file, .gz or not, in UTF-8.
        columns: column by field, where they differ: ``{"sku": "product_id"}``.
        delimiter: what separates the values of a CSV, where it is no comma.
        report: a path for what is wrong with which line; without it problems are only counted.
        progress: called after every chunk.

    Raises:
        InvalidInput: the file as a whole cannot be used. What is wrong with single lines goes to the report instead.
    """
    now = datetime.now(UTC)

    def make_row(record: Record, file: str, values: Values) -> EventRow | list[Problem]:
        return _row(record, file, values, now)

    return import_mapped(
        database,
        source,
        EVENT_FIELDS,
        make_row,
        _load,
        prepare=lambda connection: connection.execute(SQL["create_staged"]),
        columns=columns,
        delimiter=delimiter,
        report=report,
        progress=progress,
    )


def read_kind(value: object) -> str:
    """One of the kinds of events, in any case."""
    kind = read_text(value).strip().lower()
    if kind not in KINDS:
        raise InvalidInput(f"must be one of {', '.join(KINDS)}")
    return kind


def read_value(value: object) -> float:
    """A number, as CSV or JSON has it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidInput("must be a number")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("must be a number") from error


def read_uuid(value: object) -> UUID:
    """A UUID in its usual form."""
    try:
        return UUID(read_text(value).strip())
    except ValueError as error:
        raise InvalidInput("must be a UUID, as recommendation_id has it") from error


EVENT_FIELDS = Fields(
    readers={
        "user_id": read_key,
        "kind": read_kind,
        "sku": read_sku,
        "value": read_value,
        "occurred_at": read_time,
        "recommendation_id": read_uuid,
        "id": read_key,
    },
    required=("user_id", "kind", "sku", "occurred_at"),
)


def _row(record: Record, file: str, values: Values, now: datetime) -> EventRow | list[Problem]:
    found: dict[str, Any] = values.fields
    event = EventData(**{name: value for name, value in found.items() if name != "id"}, source_id=found.get("id"))
    problems = [
        Problem(file, record.line, name, reason, None if name not in found else shown(str(found[name])))
        for name, reason in find_faults(event, now)
    ]
    if problems:
        return problems
    return EventRow(file=file, line=record.line, size=record.size, event=event)


def _load(connection: Transaction, rows: Sequence[EventRow]) -> Outcome:
    """Write one chunk, inside the caller's transaction."""
    outcome = Outcome()
    files = {row.line: row.file for row in rows}
    with connection.cursor() as cursor:
        with cursor.copy(SQL["copy_staged"]) as copy:
            for row in rows:
                copy.write_row(_columns(row))
        for line, sku in cursor.execute(SQL["drop_unknown"]).fetchall():
            reason = "no such product: import the products first"
            outcome.problems.append(Problem(files[line], line, "sku", reason, sku))
        inserted = cursor.execute(SQL["write_staged"]).rowcount
    outcome.counts.update(inserted=inserted, unchanged=len(rows) - len(outcome.problems) - inserted)
    outcome.counts["bad"] += len(outcome.problems)
    outcome.problems.sort(key=lambda problem: problem.line)
    return outcome


def _columns(row: EventRow) -> tuple[object, ...]:
    event = row.event
    return (
        row.line,
        event.sku,
        event.user_id,
        event.kind,
        event.value,
        event.occurred_at,
        event.recommendation_id,
        event.source_id or _key(event),
    )


def _key(event: EventData) -> str:
    said = [str(getattr(event, field.name)) for field in fields(event) if field.name != "source_id"]
    return "file:" + hashlib.sha256(json.dumps(said).encode()).hexdigest()[:40]
