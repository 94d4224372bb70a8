"""How far an import is: for whoever asks, and as a bar for a person who watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from backend.catalog.importers.records import Records
from backend.catalog.importers.report import Tally
from backend.catalog.importers.result import OnProgress, Progress


def follow(
    records: Records, tally: Tally, progress: OnProgress | None, *, before: int = 0, after: int = 0
) -> Callable[[], None]:
    """A function that tells how far the import is: ``before`` bytes came earlier, and ``after`` bytes follow."""

    def tell() -> None:
        if progress is not None:
            lines = records.lines
            progress(Progress(tally.counts["read"], before + lines.position, before + lines.size + after))

    return tell


@contextmanager
def progress_bar(label: str) -> Iterator[OnProgress | None]:
    """A function to hand to an import as ``progress``; None where standard error is no terminal.

    The bar counts bytes, since nobody knows the rows of a file beforehand; beside it are rows and rows per second.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(label, total=None, rows=0, rate=0.0)

        def show(progress: Progress) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = progress.read / elapsed if elapsed > 0 else 0.0
            bar.update(task, total=progress.size, completed=progress.position, rows=progress.read, rate=rate)

        yield show
