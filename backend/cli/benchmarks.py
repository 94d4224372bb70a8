"""bench: measurements of the checkout."""

import sys

import click

from backend.cli.opened import show_table


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(name: str | None, arguments: tuple[str, ...]) -> None:
    """Run a benchmark of the checkout's benchmarks/ directory; without NAME, list them."""
    from backend.benchmarking import list_benchmarks, run

    if name is None:
        show_table(["benchmark", "what it measures"], [list(item) for item in list_benchmarks()])
    else:
        sys.exit(run(name, arguments))
