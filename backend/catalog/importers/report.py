"""The report file: one JSON object a problem, and no file where there is none."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from backend.catalog.importers.result import ImportResult, Outcome, Problem
from backend.errors import InvalidInput

MOST_SHOWN = 10
MOST_OF_A_VALUE = 200


def report_path(home: Path, source: Path) -> Path:
    """Where the report of an import of ``source`` that starts now goes by default."""
    return home / "reports" / f"{source.resolve().name}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.jsonl"


class Tally:
    """Counts an import and writes its report."""

    def __init__(self, report: Path | None) -> None:
        self.counts: Counter[str] = Counter()
        self._started = time.monotonic()
        self._path = report
        self._file: TextIO | None = None
        self._first: list[Problem] = []

    def reject(self, problems: Iterable[Problem]) -> None:
        """One line that was read and is not imported."""
        self.counts["bad"] += 1
        self.write(problems)

    def absorb(self, outcome: Outcome) -> None:
        """One chunk that is committed."""
        self.counts.update(outcome.counts)
        self.write(outcome.problems)

    def write(self, problems: Iterable[Problem]) -> None:
        """Put problems into the report without counting them."""
        for problem in problems:
            if len(self._first) < MOST_SHOWN:
                self._first.append(problem)
            if self._path is not None:
                entry = {key: value for key, value in problem._asdict().items() if key != "value" or value is not None}
                print(json.dumps(entry, ensure_ascii=False), file=self._opened(self._path))

    def flush(self) -> None:
        """Let the report on disk hold what was written so far."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the report."""
        if self._file is not None:
            self._file.close()

    def result(self) -> ImportResult:
        """The counts so far."""
        return ImportResult(
            **self.counts,
            seconds=time.monotonic() - self._started,
            report=self._path if self._file is not None else None,
            problems=tuple(self._first),
        )

    def cut(self) -> ImportResult:
        """The counts so far, and begin anew for the next file of the same report."""
        result = self.result()
        self.counts.clear()
        self._first.clear()
        self._started = time.monotonic()
        return result

    def _opened(self, path: Path) -> TextIO:
        if self._file is None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                # A lone surrogate, which JSON can carry, has no UTF-8 form.
                self._file = path.open("w", encoding="utf-8", errors="backslashreplace")
            except OSError as error:
                raise InvalidInput(f"the report cannot be written: {error}", field="report") from error
        return self._file


@contextmanager
def tallied(report: Path | None, sources: Sequence[Path]) -> Iterator[Tally]:
    """A tally whose report is closed at the end. A report of an earlier run at the same path is removed.

    Raises:
        InvalidInput: the report would overwrite one of the files to read.
    """
    if report is not None:
        if report.resolve() in {source.resolve() for source in sources}:
            raise InvalidInput(f"the report would overwrite the file to import: {report}", field="report")
        try:
            report.unlink(missing_ok=True)
        except OSError as error:
            raise InvalidInput(f"the report cannot be written: {error}", field="report") from error
    tally = Tally(report)
    try:
        yield tally
    finally:
        tally.close()


def shown(value: object) -> str:
    """A value as the report quotes it: whole, or its beginning."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_OF_A_VALUE else text[:MOST_OF_A_VALUE] + "..."
