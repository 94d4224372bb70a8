"""What commands print: tables, a counter while a file is read, and the outcome of an import."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from backend.catalog.importers.result import ImportResult
from backend.catalog.importers.result import Progress as Reading


def table(head: list[str], rows: list[list[str]]) -> None:
    """Print rows under a head; wide on a pipe, so that nothing is cut there."""
    console = Console(width=None if Console().is_terminal else 250)
    shown = Table(*head, box=box.SIMPLE_HEAD)
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


@contextmanager
def counter(unit: str) -> Iterator[Callable[[Reading], None]]:
    """A bar on stderr while a file is read, when a person watches; it counts the bytes, so that it knows the end."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[read]:,} " + unit),
        BarColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("reading", total=None, read=0, rate=0.0)

        def progress(reading: Reading) -> None:
            elapsed = bar.tasks[0].elapsed or 1e-6
            bar.update(
                task,
                completed=reading.position,
                total=reading.size or None,
                read=reading.read,
                rate=reading.read / elapsed,
            )

        yield progress


def show_import(result: ImportResult) -> None:
    """Print what became of an import's rows and photographs, and the first problems of it."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{result.read:,} rows in {result.seconds:.1f} s: {result.inserted:,} inserted, {result.updated:,} updated, "
        f"{result.unchanged:,} unchanged, {result.bad:,} bad"
    )
    pictures = result.images_inserted + result.images_updated + result.images_unchanged
    if pictures or result.images_bad or result.images_missing:
        console.print(
            f"{pictures:,} photographs: {result.images_inserted:,} inserted, {result.images_updated:,} updated, "
            f"{result.images_unchanged:,} unchanged, {result.images_bad:,} bad; {result.images_missing:,} products have none"
        )
    if result.products_created:
        console.print(f"{result.products_created:,} bare products made for reviews of unknown ones")
    for problem in result.problems:
        place = f"{problem.file}:{problem.line}" + (f", {problem.field}" if problem.field else "")
        console.print(f"  {place}: {problem.reason}", markup=False)
    if result.report:
        console.print(f"every bad line is in {result.report}", markup=False)
