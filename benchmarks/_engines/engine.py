"""What a benchmark asks of an engine."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from benchmarks._corpus import Corpus, Window

# One kind of graph for everybody: Shelfmate's.
LINKS = 16
EF_CONSTRUCTION = 200


class Engine(ABC):
    """An engine over one corpus, on disk under ``directory`` where it has a disk form.

    ``ask`` is what gets timed: "the k most like this product". Peers get the vector ready in their own form and one
    more than k, since they find the product itself too. ``rows`` turns an answer into rows of the corpus, untimed.
    """

    name: ClassVar[str]
    module: ClassVar[str | None] = None
    exact: ClassVar[bool] = False
    filters: ClassVar[bool] = True
    tunable: ClassVar[bool] = True
    least_ef: ClassVar[int] = 1

    def __init__(self, corpus: Corpus, directory: Path) -> None:
        self.corpus, self.directory = corpus, directory
        self.ef: int | None = None

    @classmethod
    def is_missing(cls) -> bool:
        """Whether the package that this engine needs is not installed."""
        return cls.module is not None and find_spec(cls.module) is None

    @abstractmethod
    def build(self) -> None:
        """Store and index the corpus."""

    def tune(self, ef: int) -> None:
        """Search with this many candidates from now on."""
        self.ef = ef

    @abstractmethod
    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """The raw answer."""

    @abstractmethod
    def rows(self, answer: Any) -> Sequence[int]:
        """The rows of an answer, best first; the product that was asked for may be among them."""

    def found(self, answer: Any, row: int, k: int) -> list[int]:
        """The k rows of an answer without the product itself."""
        return [int(other) for other in self.rows(answer) if other != row][:k]

    def size(self) -> int | None:
        """Bytes on disk; None for an engine that keeps nothing there."""
        files = [path for path in self.directory.rglob("*") if path.is_file()] if self.directory.is_dir() else []
        return sum(path.stat().st_size for path in files) or None

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of files and connections."""
