"""Lines of the files that Amazon's reviews are published in: JSON, and in some of 2014 the text of a Python dict."""

import ast
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

from backend.catalog.importers.lines import LineReader
from backend.catalog.importers.records import Records, read_json_line

_DICT = re.compile(r"\s*\{\s*u?'")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
# A tag begins with a letter: "I <3 it" and "2 < 3 > 1" are none.
_TAG = re.compile(r"</?[a-zA-Z!][^<>]*>")


@contextmanager
def open_published(path: Path) -> Iterator[Records]:
    """The records of a file, whatever its name; what ends in .gz is unpacked as it is read.

    Raises:
        InvalidInput: there is no such file, or it cannot be opened.
    """
    with LineReader(path) as lines:
        yield Records(lines, None, read_published)


def read_published(text: str) -> object:
    """The value of a line.

    Raises:
        ValueError: neither JSON nor the text of a Python dict.
        RecursionError: it is nested too deep.
    """
    if text.startswith('{"') or not _DICT.match(text):
        return read_json_line(text)
    try:
        with warnings.catch_warnings():
            # A stray backslash means itself in these files, and Python would warn of it.
            warnings.simplefilter("ignore")
            return ast.literal_eval(text.strip())
    except (SyntaxError, MemoryError) as error:
        raise ValueError(f"the text of a Python dict that Python cannot read: {error}") from error


def plain(text: str) -> str:
    """A text of a web page as a person reads it: entities decoded, line breaks kept, other tags left out."""
    if "&" in text:
        text = unescape(text)
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    return text


def plain_line(text: str) -> str:
    """``plain``, on one line, without blanks at its ends and none doubled."""
    return " ".join(plain(text).split())
