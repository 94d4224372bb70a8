"""What a person sees of the worker: a bar with rate and time left on a terminal, lines in the log otherwise."""

import logging
import sys
import time
from threading import RLock

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from workers.log import log

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_COUNTS = 3.0


class Progress:
    """Counts embedded products of one run of work; ``start`` may be called again when more has come, by any thread."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._total = self._done = 0
        self._began = self._said = self._counted = 0.0
        self._lock = RLock()

    def is_stale(self) -> bool:
        """Whether the products that wait should be counted again, since more may have come."""
        return time.monotonic() - self._counted >= SECONDS_BETWEEN_COUNTS

    def start(self, waiting: int) -> None:
        """Begin to count ``waiting`` products, or as many more when a count is under way."""
        with self._lock:
            self._counted = time.monotonic()
            if self._total:
                self._total = self._done + waiting
            else:
                self._total, self._done = waiting, 0
                self._began = self._said = time.monotonic()
            if not self._console.is_terminal or self._total < 2:
                return
            if self._bar is None:
                self._bar = Bar(
                    TextColumn("embedding"),
                    BarColumn(),
                    MofNCompleteColumn(),
                    TextColumn("{task.fields[rate]}"),
                    TextColumn("left"),
                    TimeRemainingColumn(),
                    console=self._console,
                )
                self._task = self._bar.add_task("embedding", total=self._total, rate="")
                self._bar.start()
            elif self._task is not None:
                self._bar.update(self._task, total=self._total)

    def advance(self, count: int) -> None:
        """``count`` more products are embedded."""
        with self._lock:
            if not self._total:
                # Embedded before anybody counted what waits.
                self._began = self._said = time.monotonic()
            self._done += count
            # Products that came while the worker was at it were not in the first count.
            self._total = max(self._total, self._done)
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=self._done, total=self._total, rate=f"{self._rate():.0f}/s")
            elif time.monotonic() - self._said >= SECONDS_BETWEEN_LINES:
                self._said = time.monotonic()
                log.info("embedded %d of %d, %.0f/s, %.0f s left", self._done, self._total, self._rate(), self._left())

    def finish(self) -> None:
        """Everything is embedded."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
            if self._done:
                seconds = time.monotonic() - self._began
                products = "1 product" if self._done == 1 else f"{self._done} products"
                log.info("embedded %s in %.1f s, %.0f/s", products, seconds, self._rate())
            self._bar = self._task = None
            self._total = self._done = 0

    def say(self, message: str) -> None:
        """A line that does not tear the bar."""
        log.info(message)

    def _rate(self) -> float:
        return self._done / max(time.monotonic() - self._began, 1e-6)

    def _left(self) -> float:
        return (self._total - self._done) / max(self._rate(), 1e-6)


def log_to_terminal() -> Console:
    """Send the worker's log to stderr, and return the console that a bar must share with it to stay whole."""
    console = Console(stderr=True)
    handler: logging.Handler
    if console.is_terminal:
        handler = RichHandler(console=console, show_path=False, show_level=False)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s worker %(message)s", datefmt="%H:%M:%S"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    return console
