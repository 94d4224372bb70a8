"""The account that runs Postgres: the person's own, or, because Postgres refuses root, one without privileges."""

import errno
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import DatabaseUnavailable

# Tried in this order. A server of the distribution's own runs as `postgres` too; `nobody` exists nearly everywhere.
UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    def credentials(self) -> dict[str, Any]:
        """Arguments for ``subprocess.Popen`` that make the child run as this account."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def make_directory(self, place: Path) -> None:
        """Make ``place``, owned by this account and closed to all others; it never shows under its name half-made.

        Raises:
            FileExistsError: there is one, and it is not empty.
        """
        unfinished = Path(tempfile.mkdtemp(prefix=".shelfmate-", dir=place.parent))
        try:
            if os.geteuid() == 0:
                # Not through a link: in a directory of its own the account could have put one there.
                os.chown(unfinished, self.uid, self.gid, follow_symlinks=False)
            unfinished.rename(place)
        except OSError as error:
            unfinished.rmdir()
            if error.errno in {errno.ENOTEMPTY, errno.ENOTDIR, errno.EPERM, errno.EACCES}:
                raise FileExistsError(errno.EEXIST, "somebody's already", str(place)) from error
            raise

    def may_enter(self, directory: Path) -> bool:
        """Whether this account may pass through ``directory`` and everything above it, by the mode bits."""
        return all(self._may(place, 1) for place in (directory, *directory.parents))

    def may_read(self, file: Path) -> bool:
        """Whether this account can reach and read ``file``."""
        return self.may_enter(file.parent) and self._may(file, 4)

    def _may(self, path: Path, bit: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return bool(stat.S_IMODE(status.st_mode) >> shift & bit)


def current() -> Account:
    """The account of this process.

    Raises:
        DatabaseUnavailable: the user id has no name, which Postgres requires.
    """
    return of(os.geteuid())


def of(uid: int) -> Account:
    """The account with the number ``uid``.

    Raises:
        DatabaseUnavailable: it has no name, which Postgres requires.
    """
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise DatabaseUnavailable(
            f"User id {uid} has no name on this machine and Postgres refuses to run without one: "
            "add it to /etc/passwd, or set DATABASE_URL to use another server."
        ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def for_server(state: Path) -> Account:
    """The account that runs the server whose state is, or will be, in ``state``.

    Raises:
        DatabaseUnavailable: the state belongs to somebody else, or root finds no unprivileged account.
    """
    owner = state.stat().st_uid if state.exists() else None
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            raise DatabaseUnavailable(
                f"{state} belongs to user id {owner}: run as that user, or set SHELFMATE_HOME to a directory of yours."
            )
        return current()
    if owner:
        return of(owner)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailable(
        f"Postgres refuses to run as root and there is no user {' or '.join(UNPRIVILEGED)} to run it as: "
        "create one (useradd --system postgres), or set DATABASE_URL to use another server."
    )
