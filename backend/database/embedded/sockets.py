"""The directory of the unix socket, which nobody but the server's account may enter."""

import hashlib
import os
import shutil
import stat
from pathlib import Path

from backend.database.embedded.account import Account

_LONGEST_PATH = 107  # bytes: sockaddr_un.sun_path without its final NUL
_SHORT_PLACE = Path("/tmp")  # noqa: S108 - only a place with a short name; the directory made there is verified


def settle(state: Path, account: Account) -> Path:
    """Make the directory and return its real path; ``state/sockets`` is it, or a link to it.

    A state directory whose path is too long for a socket gets a short one elsewhere.
    """
    place = state / "sockets"
    if len(os.fsencode(place / ".s.PGSQL.65535")) <= _LONGEST_PATH:
        if place.is_symlink():  # the home was moved from a longer path
            place.unlink()
        if not place.exists():
            account.make_directory(place)
        return place
    if place.exists() and not place.is_symlink():  # moved from a shorter one
        shutil.rmtree(place)
    short = place.readlink() if place.is_symlink() else None
    if short is None or not private(short, account.uid):
        short = _short(state, account)
        place.unlink(missing_ok=True)
        place.symlink_to(short)
    return short


def private(directory: Path, uid: int) -> bool:
    """Whether ``directory`` is one that ``uid`` owns and nobody else may enter."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and not status.st_mode & 0o077


def alias(directory: Path, port: int) -> None:
    """Make the socket known by the default port's name, so that a home's address is the same with and without TCP."""
    name = directory / ".s.PGSQL.5432"
    if name.is_symlink():
        name.unlink()
    if port != 5432:
        name.unlink(missing_ok=True)
        name.symlink_to(f".s.PGSQL.{port}")


def clients(directory: Path, port: int, *, tcp: bool) -> int:
    """How many client connections the server holds, as the kernel counts them."""
    path = str(directory / f".s.PGSQL.{port}")
    by_socket = sum(_is_connected(line, path) for line in Path("/proc/net/unix").read_text().splitlines()[1:])
    if not tcp:
        return by_socket
    local = f":{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return by_socket + sum(row[1].endswith(local) and row[3] == "01" for row in rows)


def _is_connected(line: str, path: str) -> bool:
    fields = line.split(maxsplit=7)  # Num RefCount Protocol Flags Type St Inode Path
    return len(fields) == 8 and fields[7] == path and fields[5] == "03"


def _short(state: Path, account: Account) -> Path:
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    wanted = _SHORT_PLACE / f"shelfmate-{account.uid}-{digest}"
    if private(wanted, account.uid):
        return wanted
    try:
        account.make_directory(wanted)
    except FileExistsError:
        # Somebody else sits on the name: take one that cannot be guessed.
        wanted = wanted.with_name(f"{wanted.name}-{os.urandom(8).hex()}")
        account.make_directory(wanted)
    return wanted
