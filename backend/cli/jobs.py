"""jobs: the embedding queue as people see it."""

from dataclasses import asdict

import click

from backend.cli.opened import opened_database, show_table


@click.group()
def jobs() -> None:
    """The embedding queue: what waits, what died and why."""


@jobs.command(name="list")
@click.option("--state", type=click.Choice(["queued", "leased", "dead"]))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
def jobs_list(state: str | None, limit: int) -> None:
    """Counts, then jobs, the dead first."""
    from backend.spaces.jobs import count_jobs, list_jobs

    with opened_database() as database:
        counts = count_jobs(database)
        found = list_jobs(database, state=state, limit=limit)
    click.echo(f"{counts.queued} queued, {counts.leased} leased, {counts.dead} dead")
    if found:
        show_table(
            ["sku", "space", "state", "attempts", "losses", "queued", "last error"],
            [
                [
                    job.sku,
                    job.space,
                    job.state,
                    str(job.attempts),
                    str(job.losses),
                    f"{job.queued_at:%Y-%m-%d %H:%M:%S}",
                    job.last_error or "",
                ]
                for job in found
            ],
        )
        if len(found) == limit:
            click.echo(f"the first {limit}; --limit shows more")


@jobs.command(name="show")
@click.argument("sku")
def jobs_show(sku: str) -> None:
    """Everything that is known of the jobs of one product."""
    from backend.catalog.products import get_product
    from backend.spaces.jobs import list_jobs

    with opened_database() as database:
        get_product(database, sku)
        found = list_jobs(database, sku=sku)
    if not found:
        click.echo(f"no job of {sku} waits or is dead")
    for job in found:
        for name, value in asdict(job).items():
            click.echo(f"{name:>13}  {'' if value is None else value}")


@jobs.command(name="retry")
@click.argument("sku", required=False)
def jobs_retry(sku: str | None) -> None:
    """Queue the dead jobs again, all or those of one SKU."""
    from backend.catalog.products import get_product
    from backend.spaces.jobs import retry_dead

    with opened_database() as database:
        if sku is not None:
            get_product(database, sku)
        click.echo(f"{retry_dead(database, sku=sku)} jobs queued again")
