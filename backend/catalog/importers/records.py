"""Records of a CSV or JSON Lines file: values by column name, or what is wrong with the line."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

from backend.catalog.importers.lines import MAX_LINE_BYTES, Line, LineReader
from backend.catalog.importers.report import shown
from backend.catalog.importers.result import Problem
from backend.errors import InvalidInput

FORMATS = ".csv, .tsv or .jsonl, also with .gz after it"
_UNCLOSED = "a quote is opened and not closed: double the quotes inside a quoted value"
_REASONS = (
    ("unexpected end of data", _UNCLOSED),
    ("expected after", "a quoted value goes on after its closing quote: double the quotes inside it"),
    ("field larger than", f"a value of more than 131,072 characters, or {_UNCLOSED}"),
    ("new-line character", "a carriage return stands alone: save the file with line ends LF or CRLF"),
)


class Record(NamedTuple):
    """Values by column name; text from CSV, any JSON value from JSON Lines. ``size`` is in characters."""

    line: int
    values: dict[str, object]
    size: int


def read_json_line(text: str) -> object:
    """The value of one line of JSON Lines.

    Raises:
        ValueError: it is none; its message says why.
        RecursionError: it is nested too deep.
    """
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        # It may be for a blank before it.
        return _DECODER.decode(text)
    # What decode() does about blanks takes a third of its time; of what follows the value it says what is wrong.
    return value if text[end:] in _ENDS else _DECODER.decode(text)


class Records:
    """The records of one open file. ``columns`` are those of a CSV's header, None for JSON Lines.

    ``read_line`` reads a line that is no CSV; it raises as ``read_json_line`` does.
    """

    def __init__(
        self, lines: LineReader, delimiter: str | None, read_line: Callable[[str], object] = read_json_line
    ) -> None:
        self.lines = lines
        self._read_line = read_line
        self.columns: tuple[str, ...] | None = None
        self._delimiter = delimiter or ","
        if delimiter is not None:
            self.columns = self._read_header()

    def __iter__(self) -> Iterator[Record | Problem]:
        parse = self._parse_json if self.columns is None else self._parse_row
        while (line := self.lines.take()) is not None:
            if line.fault:
                yield self._problem(line, line.fault)
            elif not line.text.isspace():
                yield parse(line)

    def _read_header(self) -> tuple[str, ...]:
        line = self.lines.take()
        while line is not None and line.text.isspace():
            line = self.lines.take()
        if line is None:
            raise InvalidInput(f"{self.lines.path} is empty: its first line must name its columns", field="file")
        row = line.fault or self._split(line)[0]
        if isinstance(row, str):
            raise InvalidInput(f"{self.lines.path}, line {line.number}, which names the columns: {row}", field="file")
        header = tuple(name.strip() for name in row)
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            raise InvalidInput(f"{self.lines.path} has more than one column {', '.join(twice)}", field="file")
        return header

    def _parse_row(self, line: Line) -> Record | Problem:
        row, taken = self._split(line)
        if isinstance(row, str):
            reason = row
        elif len(row) != len(self.columns or ()):
            reason = f"{len(row)} columns where the header has {len(self.columns or ())}"
            if len(row) > len(self.columns or ()):
                reason += ": a value that contains the separator must be in quotes"
        else:
            # A column without a name has no meaning; pandas writes its index so.
            values: dict[str, object] = {
                name: value for name, value in zip(self.columns or (), row, strict=True) if name
            }
            return Record(line.number, values, sum(len(part.text) for part in taken))
        # A stray quote may have swallowed good lines: they are read again, each for itself.
        self.lines.give_back(taken[1:])
        return self._problem(line, reason)

    def _split(self, line: Line) -> tuple[list[str] | str, list[Line]]:
        """The values of the record that starts with ``line``, or what is wrong with it; and the lines it takes."""
        taken = [line]
        if '"' not in line.text and "\r" not in line.text[:-2]:
            return line.text.rstrip("\r\n").split(self._delimiter), taken
        try:
            return next(csv.reader(self._feed(line, taken), delimiter=self._delimiter, strict=True)), taken
        except csv.Error as error:
            said = str(error)
            return next((reason for part, reason in _REASONS if part in said), said), taken

    def _feed(self, line: Line, taken: list[Line]) -> Iterator[str]:
        yield line.text
        size = len(line.text)
        while size < MAX_LINE_BYTES and (more := self.lines.take()) is not None:
            taken.append(more)
            if more.fault:
                return
            size += len(more.text)
            yield more.text

    def _parse_json(self, line: Line) -> Record | Problem:
        try:
            values = self._read_line(line.text)
        except json.JSONDecodeError as error:
            return self._problem(line, f"not JSON: {error.msg} at character {error.pos + 1}")
        except RecursionError:
            return self._problem(line, "nested too deep")
        except ValueError as error:
            return self._problem(line, f"not JSON that can be stored: {error}")
        if not isinstance(values, dict):
            return self._problem(line, 'not a JSON object: every line must be one, such as {"sku": ...}')
        return Record(line.number, values, len(line.text))

    def _problem(self, line: Line, reason: str) -> Problem:
        return Problem(self.lines.name, line.number, None, reason, shown(line.text.rstrip("\r\n")) or None)


@contextmanager
def open_records(path: Path, delimiter: str | None = None) -> Iterator[Records]:
    """The records of a file; the end of its name says what it is.

    Args:
        path: a file whose name ends in one of ``FORMATS``.
        delimiter: what separates the values of a CSV; without it a tab in .tsv and a comma in .csv.

    Raises:
        InvalidInput: no such file, another format, or a CSV without a usable header.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise InvalidInput(f"the delimiter must be one character, such as ';', not {delimiter!r}", field="delimiter")
    if kind in (".csv", ".tsv"):
        chosen = delimiter or ("\t" if kind == ".tsv" else ",")
    elif kind in (".jsonl", ".ndjson"):
        chosen = None
    else:
        raise InvalidInput(f"{path} is of no known format: its name must end in {FORMATS}", field="file")
    with LineReader(path) as lines:
        yield Records(lines, chosen)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


# Made once: json.loads makes one a line where it is given parse_constant.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENDS = frozenset({"", "\n", "\r\n"})
