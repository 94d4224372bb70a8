"""What an import says: counts at the end, problems on the way, progress in between."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing wrong with one line; ``field`` is None where the whole line is at fault.

    A photograph that is fetched comes from no line: then ``line`` is 0 and ``file`` the product's sku.
    """

    file: str
    line: int
    field: str | None
    reason: str
    value: str | None = None


class Progress(NamedTuple):
    """How far an import is: rows read, and bytes read of the ``size`` bytes (compressed ones) of its files."""

    read: int
    position: int
    size: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """Rows and photographs by what became of them.

    ``read == inserted + updated + unchanged + bad``. A row whose photograph alone is at fault is imported, and counted
    in ``images_bad`` instead of ``bad``. ``images_missing`` are products of a fashion directory without a file.
    ``reviews_*`` are those of sample products; an import of reviews counts them as rows, and in ``products_created``
    the products made for them. ``details_bad`` are values that were left out of rows which are imported otherwise (of a
    fashion directory: lines of products.jsonl). Of photographs to be fetched, ``images_bad`` are refused for good, and
    ``images_left`` are tried again by the next run. ``report`` is None when there was nothing to report; ``problems``
    are its first few.
    """

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: int = 0
    images_inserted: int = 0
    images_updated: int = 0
    images_unchanged: int = 0
    images_bad: int = 0
    images_missing: int = 0
    images_left: int = 0
    products_created: int = 0
    reviews_inserted: int = 0
    reviews_updated: int = 0
    reviews_unchanged: int = 0
    reviews_bad: int = 0
    details_bad: int = 0
    seconds: float = 0.0
    report: Path | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What became of one chunk; ``counts`` are named as in ImportResult."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
