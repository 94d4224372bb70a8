"""Lines of a text file with their numbers, one at a time, whatever bytes the file holds."""

import gzip
import zlib
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self, cast

from backend.errors import InvalidInput

MAX_LINE_BYTES = 8 * 2**20
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """A line with its end; ``text`` is empty where ``fault`` says what is wrong with it."""

    number: int
    text: str
    fault: str | None = None


class LineReader:
    """Reads a file, or what is in it when its name ends in ``.gz``, in memory for one line."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            InvalidInput: there is no such file, or it cannot be opened, or it is not UTF-8 from its first bytes on.
        """
        self.path = path
        self.name = path.name
        self.number = 0
        self._pushed: deque[Line] = deque()
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise InvalidInput(f"cannot read {path}: {error.strerror}", field="file") from error
        self.size = path.stat().st_size
        self._stream = (
            cast("BinaryIO", gzip.GzipFile(fileobj=self._file)) if path.suffix.lower() == ".gz" else self._file
        )

    @property
    def position(self) -> int:
        """Bytes of the file read so far, compressed ones where it is compressed."""
        return self._file.tell()

    def take(self) -> Line | None:
        """The next line; None at the end of the file.

        Raises:
            InvalidInput: the compressed data is damaged, or reading fails.
        """
        if self._pushed:
            return self._pushed.popleft()
        data = self._read(MAX_LINE_BYTES)
        if not data:
            return None
        self.number += 1
        if self.number == 1:
            if data.startswith(_UTF16_BOMS):
                raise InvalidInput(f"{self.path} is UTF-16: save it as UTF-8", field="file")
            data = data.removeprefix(_BOM)
        if len(data) >= MAX_LINE_BYTES and not data.endswith(b"\n"):
            while data and not data.endswith(b"\n"):
                data = self._read(MAX_LINE_BYTES)
            return Line(self.number, "", f"longer than {MAX_LINE_BYTES // 2**20} MiB")
        try:
            return Line(self.number, data.decode())
        except UnicodeDecodeError as error:
            wrong = data[error.start]
            return Line(
                self.number,
                "",
                f"not UTF-8: byte {error.start + 1} of the line is 0x{wrong:02x}; save the file as UTF-8",
            )

    def give_back(self, lines: list[Line]) -> None:
        """Let ``take`` return these lines again, in this order."""
        self._pushed.extendleft(reversed(lines))

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, most: int) -> bytes:
        try:
            return self._stream.readline(most)
        except (EOFError, zlib.error, OSError) as error:
            if isinstance(error, gzip.BadGzipFile) and self.number == 0:
                raise InvalidInput(f"{self.path} is not compressed: take .gz off its name", field="file") from error
            raise InvalidInput(
                f"{self.path} is damaged after line {self.number} ({error}): get the file again and import it again",
                field="file",
            ) from error
