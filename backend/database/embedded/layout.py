"""Where the embedded server keeps what under one home."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths of one home.

    ``state`` is a directory of the account that runs Postgres, or a link to one where that account cannot enter the
    home (root's home is closed to everybody else). The rest belongs to the person who runs the commands.
    """

    home: Path

    @classmethod
    def of(cls, home: Path) -> "Layout":
        """The layout of ``home``, whatever link or relative path it was named by."""
        return cls(home.expanduser().resolve())

    @property
    def owner_lock(self) -> Path:
        """Held exclusively by the supervisor, and by every Postgres process that it started."""
        return self.home / "postgres.lock"

    @property
    def users_lock(self) -> Path:
        """Held shared by every command that uses the server; its text is how long to linger after them, in seconds."""
        return self.home / "postgres.users"

    @property
    def log(self) -> Path:
        """What the supervisor and Postgres say."""
        return self.home / "postgres.log"

    @property
    def state(self) -> Path:
        """What belongs to Postgres: data, sockets, password."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.state / "data"

    @property
    def sockets(self) -> Path:
        """The directory of the unix socket, or a link to it."""
        return self.state / "sockets"

    @property
    def password(self) -> Path:
        """The superuser's password, asked for over TCP only."""
        return self.state / "password"
