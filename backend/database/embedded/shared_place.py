"""A directory of root's that everybody can enter: for what Postgres needs and cannot reach under a closed home."""

import stat
from pathlib import Path

from backend.errors import DatabaseUnavailable

MACHINE_ROOT = Path("/var/lib/shelfmate")


def make_root_directory(directory: Path) -> None:
    """Make ``directory``, open to all for reading and to root for writing.

    Raises:
        DatabaseUnavailable: it exists and somebody else could write there.
    """
    try:
        directory.mkdir()
    except FileExistsError:
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
            raise DatabaseUnavailable(
                f"{directory} is not a directory that only root can write to: repair or remove it, "
                "or set DATABASE_URL to use another server."
            ) from None
    else:
        directory.chmod(0o755)
