"""The directory that belongs to Postgres: made where its account can reach it, never by opening others' directories."""

import os
from pathlib import Path

from backend.database.embedded.account import Account
from backend.database.embedded.layout import Layout
from backend.database.embedded.shared_place import make_root_directory
from backend.errors import DatabaseUnavailable


def settle(layout: Layout, account: Account, machine_root: Path) -> Path:
    """Make the state directory if there is none and return its real path.

    Once made it stays where it is, also if the home is closed or opened later: a second, empty one would look like
    lost data.

    Raises:
        DatabaseUnavailable: it is there but ``account`` cannot use it.
    """
    if layout.state.is_symlink() or layout.state.exists():
        return _existing(layout, account)
    if account.may_enter(layout.home):
        account.make_directory(layout.state)
        return layout.state
    make_root_directory(machine_root)
    # A new name each time: a home that was deleted starts empty.
    place = machine_root / f"{layout.home.name.lstrip('.')}-{os.urandom(4).hex()}"
    account.make_directory(place)
    layout.state.symlink_to(place)
    return place


def _existing(layout: Layout, account: Account) -> Path:
    place = layout.state.resolve()
    if not place.is_dir():
        raise DatabaseUnavailable(
            f"{layout.state} should be the server's directory, but {place} is none: bring it back, "
            f"or remove {layout.state} to start with an empty database."
        )
    if not account.may_enter(place):
        raise DatabaseUnavailable(
            f"The user {account.name}, who runs Postgres, cannot enter {place}: open the directories above it "
            "(chmod o+x), or set SHELFMATE_HOME or DATABASE_URL."
        )
    return place
