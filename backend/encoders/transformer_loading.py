"""How models of transformers are loaded: without its bars and reports, and damage told in our words."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.encoders.model_directories import unusable

# Bar and log level can only be switched for the whole process.
_loading = threading.Lock()


class LoadReport(logging.Handler):
    """Keeps what transformers reports while it loads."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record's lines, without their colours."""
        self._lines += re.sub(r"\x1b\[[0-9;]*m", "", record.getMessage()).splitlines()

    @property
    def missing(self) -> list[str]:
        """Names of weights that the file lacked, so that they were drawn at random.

        Without those of ``pooler``, a layer behind the token vectors that many files leave out and no pooling reads.
        """
        return [name for name in self._named("MISSING") if "pooler." not in name]

    @property
    def mismatched(self) -> list[str]:
        """Names of weights that have another shape in the file than the configuration says."""
        return self._named("MISMATCH")

    def _named(self, problem: str) -> list[str]:
        return [line.split("|")[0].strip() for line in self._lines if re.search(rf"\|\s*{problem}\b", line)]


@contextmanager
def loading(encoder: str, directory: Path) -> Iterator[LoadReport]:
    """The block loads the model in ``directory`` for ``encoder``; what transformers would print is kept in the report.

    Raises:
        WeightsMissing: the block failed, so the model is damaged, or of another kind.
    """
    with quietly() as report:
        try:
            yield report
        except MemoryError:
            raise
        except Exception as error:  # Of every kind: tokenizers, for one, raises Exception itself.
            reason = f"it cannot be read ({type(error).__name__}: {str(error).strip().partition(chr(10))[0]})"
            if report.mismatched:
                reason = f"{report.mismatched[0]} has not the shape that config.json says"
            raise unusable(encoder, directory, reason) from error
    if report.missing:
        raise unusable(encoder, directory, f"its weights lack {report.missing[0]}")


@contextmanager
def quietly() -> Iterator[LoadReport]:
    """Keep transformers from drawing bars and logging inside the block, one thread at a time."""
    from transformers.utils import logging as reporting

    logger, report = logging.getLogger("transformers"), LoadReport()
    with _loading:
        shown, level, propagated, handlers = (
            reporting.is_progress_bar_enabled(),
            logger.level,
            logger.propagate,
            logger.handlers,
        )
        reporting.disable_progress_bar()  # type: ignore[no-untyped-call]  # The package leaves it unannotated.
        logger.handlers, logger.propagate = [report], False
        logger.setLevel(logging.WARNING)
        try:
            yield report
        finally:
            logger.handlers, logger.propagate = handlers, propagated
            logger.setLevel(level)
            if shown:
                reporting.enable_progress_bar()  # type: ignore[no-untyped-call]  # Likewise.
