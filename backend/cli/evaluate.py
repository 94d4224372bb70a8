"""evaluate: how good recommendations are, measured on what is known already."""

import json
from datetime import datetime
from pathlib import Path

import click

from backend.cli.describing import shown_progress
from backend.cli.opened import opened_database, show_table


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of report.html, report.json and charts; evaluation-YYYYMMDD-HHMM here where none is given.",
)
@click.option("--k", default=10, show_default=True, type=click.IntRange(1, 100), help="Products in an answer.")
@click.option("--space", "spaces", multiple=True, metavar="NAME", help="Instead of the active space and all shadows.")
@click.option("--split", type=click.Choice(["time", "random"]), default="time", show_default=True, help="Of events.")
@click.option(
    "--questions", default=1000, show_default=True, type=click.IntRange(10, 20_000), help="Of each set at most so many."
)
@click.option(
    "--cold", default=5, show_default=True, type=click.IntRange(1), help="Known to fewer people, a product is cold."
)
@click.option("--seed", default=0, show_default=True, help="The same seed asks for the same.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure for programs, instead of tables.")
def evaluate(
    out: Path | None,
    k: int,
    spaces: tuple[str, ...],
    split: str,
    questions: int,
    cold: int,
    seed: int,
    as_json: bool,
) -> None:
    """Hold out links that are known, ask spaces and baselines for them, and report who finds them.

    Links are variants, co-purchases, the last event of each person, and article types.
    """
    from backend.evaluation.evaluate import Options
    from backend.evaluation.evaluate import evaluate as measure
    from backend.evaluation.evaluation_table import tables
    from backend.evaluation.files import write_report

    options = Options(
        k=k, spaces=spaces, split="time" if split == "time" else "random", questions=questions, cold=cold, seed=seed
    )
    with opened_database() as database, shown_progress() as report:
        found = measure(database, options, report)
        report("drawing the charts")
        directory = write_report(found, out or Path(f"evaluation-{datetime.now():%Y%m%d-%H%M}"))  # noqa: DTZ005 - a person's own clock
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        for title, head, rows in tables(found):
            click.echo(title)
            if head:
                show_table(head, rows)
    click.echo(f"{directory / 'report.html'} has it all, with charts", err=as_json)
