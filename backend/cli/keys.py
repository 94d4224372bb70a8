"""keys: who may call the HTTP API."""

import click

from backend.cli.opened import opened_database, show_table


@click.group()
def keys() -> None:
    """Keys of the HTTP API; SHELFMATE_REQUIRE_KEYS=true makes the server ask for them."""


@keys.command(name="create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=["read"],
    show_default=True,
    type=click.Choice(["read", "write", "admin"]),
    help="What it opens: each scope has the ones before it. May be given more than once.",
)
def keys_create(name: str, scopes: tuple[str, ...]) -> None:
    """Make a key and print it, alone on standard output; it is kept as a hash and cannot be shown again."""
    from backend.access import create_key
    from backend.settings import settings

    with opened_database() as database:
        key = create_key(database, name, scopes)
    if not settings().require_keys:
        click.echo("SHELFMATE_REQUIRE_KEYS is not set: until then the server asks for no key", err=True)
    click.echo(key)


@keys.command(name="list")
def keys_list() -> None:
    """Every key with its scopes and when it was used last."""
    from backend.access import list_keys

    with opened_database() as database:
        found = list_keys(database)
    if not found:
        click.echo("there is no key yet: shelfmate keys create NAME --scope write")
        return
    show_table(
        ["name", "scopes", "created", "last used", "revoked"],
        [
            [
                key.name,
                ", ".join(key.scopes),
                f"{key.created_at:%Y-%m-%d %H:%M}",
                f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
                f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "",
            ]
            for key in found
        ],
    )


@keys.command(name="revoke")
@click.argument("name")
def keys_revoke(name: str) -> None:
    """End a key; servers that are running refuse it within seconds."""
    from backend.access import revoke_key

    with opened_database() as database:
        revoke_key(database, name)
    click.echo(f"{name} opens nothing any more")
