"""Which column of a file feeds which field, and a record's values read by it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.catalog.importers.records import Record
from backend.catalog.importers.report import shown
from backend.catalog.importers.result import Problem
from backend.catalog.importers.values import read_json, read_text
from backend.errors import InvalidInput

ATTRIBUTE = "attributes."


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that a kind of import knows: how each is read, and those that no row may lack.

    With ``attributes`` every column that feeds no field becomes an attribute of its own name.
    """

    readers: Mapping[str, Callable[[object], object]]
    required: Collection[str]
    attributes: bool = False


@dataclass(slots=True)
class Values:
    """A record by field; ``given`` are the fields it has, be they empty, and ``cleared`` its empty attributes."""

    fields: dict[str, Any]
    given: list[str]
    attributes: dict[str, object]
    cleared: list[str]


class ColumnMapping:
    """The columns of one file; a field that no option names is fed by the column of its own name."""

    def __init__(
        self, fields: Fields, columns: Mapping[str, str], path: Path, header: Collection[str] | None = None
    ) -> None:
        """Check the options against the fields and, where the file has one, the header.

        Args:
            fields: what can be fed.
            columns: column by field; ``attributes.NAME`` feeds an attribute where the fields have attributes.
            path: the file, for messages.
            header: the file's columns; None for JSON Lines, where every line may have others.

        Raises:
            InvalidInput: an unknown field, a column that the header lacks, or no column for a required field.
        """
        self._fields = fields
        self._file = path.name
        self._renamed: dict[str, str] = {}
        self._sources = {field: field for field in fields.readers if header is None or field in header}
        for field, column in columns.items():
            if field in fields.readers:
                self._sources[field] = column
            elif fields.attributes and field.startswith(ATTRIBUTE) and field != ATTRIBUTE:
                self._renamed[column] = field.removeprefix(ATTRIBUTE)
            else:
                more = f" or {ATTRIBUTE}NAME" if fields.attributes else ""
                raise InvalidInput(f"no field {field}: there are {', '.join(fields.readers)}{more}", field="column")
        for column in self._renamed:
            # What is asked for as an attribute no longer feeds the field of its name.
            if column not in columns:
                self._sources.pop(column, None)
        if header is not None:
            self._check(path, columns, header)
        self._used = set(self._sources.values()) - set(self._renamed)

    def read(self, record: Record) -> Values | list[Problem]:
        """The values of a record, or everything that is wrong with them."""
        values = Values({}, [], {}, [])
        problems: list[Problem] = []
        for field, column in self._sources.items():
            value = record.values.get(column)
            if column in record.values:
                values.given.append(field)
            if value is None or value == "":
                if field in self._fields.required:
                    problems.append(self._problem(record, field, self._missing(field, column)))
                continue
            try:
                values.fields[field] = self._fields.readers[field](value)
            except InvalidInput as error:
                problems.append(self._problem(record, field, str(error), value))
        if self._fields.attributes:
            problems += self._read_attributes(record, values)
        return problems or values

    def _read_attributes(self, record: Record, values: Values) -> list[Problem]:
        problems = []
        for column, value in record.values.items():
            if column in self._used:
                continue
            name = self._renamed.get(column, column)
            if value is None or value == "":
                values.cleared.append(name)
                continue
            try:
                values.attributes[read_text(name)] = read_json(value)
            except InvalidInput as error:
                problems.append(self._problem(record, ATTRIBUTE + name, str(error), value))
        return problems

    def _check(self, path: Path, columns: Mapping[str, str], header: Collection[str]) -> None:
        found = ", ".join(name for name in header if name)
        absent = sorted({column for column in columns.values() if column not in header})
        if absent:
            raise InvalidInput(f"{path} has no column {', '.join(absent)}; its columns are {found}", field="column")
        unfed = [field for field in self._fields.required if field not in self._sources]
        if unfed and len(header) == 1 and (mark := next((mark for mark in ";|" if mark in found), None)):
            raise InvalidInput(
                f"{path} has one column, {found!r}: is it separated by {mark!r}? --delimiter {mark!r}",
                field="delimiter",
            )
        if unfed:
            raise InvalidInput(
                f"{path} has no column for {', '.join(unfed)}; its columns are {found}. "
                f"Name the column of each: --column {unfed[0]}=COLUMN",
                field="column",
            )

    def _problem(self, record: Record, field: str, reason: str, value: object = None) -> Problem:
        return Problem(self._file, record.line, field, reason, None if value is None else shown(value))

    def _missing(self, field: str, column: str) -> str:
        return "is missing" if field == column else f"is missing: column {column} is empty or absent"
