"""What commands print: tables, and the outcome of an import."""

from rich import box
from rich.console import Console
from rich.table import Table

from backend.catalog.importers.result import ImportResult


def table(head: list[str], rows: list[list[str]]) -> None:
    """Print rows under a head; wide on a pipe, so that nothing is cut there."""
    console = Console(width=None if Console().is_terminal else 250)
    shown = Table(*head, box=box.SIMPLE_HEAD)
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


def show_import(result: ImportResult, what: str = "rows") -> None:
    """Print what became of an import's rows and photographs, and the first problems of it."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{result.read:,} {what} in {result.seconds:.1f} s: {result.inserted:,} inserted, {result.updated:,} updated, "
        f"{result.unchanged:,} unchanged, {result.bad:,} bad"
    )
    pictures = result.images_inserted + result.images_updated + result.images_unchanged
    if pictures or result.images_bad or result.images_missing:
        missing = f"; {result.images_missing:,} products have none" if result.images_missing else ""
        console.print(
            f"{pictures:,} photographs: {result.images_inserted:,} inserted, {result.images_updated:,} updated, "
            f"{result.images_unchanged:,} unchanged, {result.images_bad:,} bad{missing}"
        )
    if result.images_left:
        console.print(f"{result.images_left:,} photographs could not be fetched now: run the import again for them")
    if result.details_bad:
        console.print(f"{result.details_bad:,} values could not be used, and their rows were imported without them")
    if result.products_created:
        console.print(f"{result.products_created:,} bare products made for reviews of unknown ones")
    for problem in result.problems:
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        place += f", {problem.field}" if problem.field else ""
        console.print(f"  {place}: {problem.reason}", markup=False)
    if result.report:
        console.print(f"every bad line is in {result.report}", markup=False)
