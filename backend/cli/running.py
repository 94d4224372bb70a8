"""up, serve, worker, upkeep: what runs."""

import sys

import click

from backend.cli.opened import opened_database
from backend.settings import settings


@click.command()
@click.option("--sample", is_flag=True, help="Fill an empty catalogue with Shelfmate's own sample products first.")
def up(sample: bool) -> None:
    """Run everything: database, worker and server, under one parent."""
    from backend.up import run

    run(settings(), sample=sample)


@click.command()
def serve() -> None:
    """Answer HTTP: the API, its documentation and the storefront."""
    from backend.server import serve as run

    with opened_database() as database:
        run(database, settings())


@click.command()
@click.option("--drain", is_flag=True, help="End when nothing is left to embed.")
def worker(drain: bool) -> None:
    """Embed products as they are inserted and edited."""
    from backend.processes import stop_on_signals
    from workers.progress import Progress, log_to_terminal
    from workers.worker import Worker

    with opened_database() as database:
        console = log_to_terminal()
        hand = Worker(database, settings(), Progress(console), drain=drain)
        stop_on_signals(hand.stopping)
        embedded = hand.run()
    if drain:
        click.echo(f"{embedded} products embedded")


@click.command()
def upkeep() -> None:
    """Do once what a worker does every few minutes: measure recall, tune it, mend indexes, delete what expired."""
    from workers.upkeep import Upkeep

    with opened_database() as database:
        outcome = Upkeep(database, settings(), click.echo).run_now()
    if outcome is None:
        click.echo("another process is at it right now", err=True)
        sys.exit(1)
    click.echo(
        f"{outcome.audited} queries audited, {len(outcome.changes)} changes, {outcome.expired} expired results deleted"
    )
