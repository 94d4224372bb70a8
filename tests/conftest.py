"""One embedded server for the whole run; a fresh migrated database for each test that asks for one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg.conninfo import make_conninfo

# The same examples in every run, and no deadline that a loaded machine misses; --hypothesis-profile default looks anew.
settings.load_profile("ci")

# Model libraries must never look for a network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """A connection string of a running server's maintenance database: DATABASE_URL's, or an embedded one's."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    from backend.database import embedded

    # Not pytest's own folder, which the server's unprivileged user could not enter; in memory where there is room.
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    with tempfile.TemporaryDirectory(prefix="shelfmate-tests-", dir=memory if roomy else None) as home:
        Path(home).chmod(0o755)
        with embedded.running(Path(home)) as server:
            yield server.dsn("shelfmate")
        assert embedded.wait_until_stopped(Path(home), 90)


@pytest.fixture(scope="session")
def fashion() -> Path:
    """The real catalogue, where it is at hand."""
    directory = SHARED_DATA / "fashion"
    if not directory.is_dir():
        pytest.skip(f"the real catalogue is not here: {directory} is missing")
    return directory


@pytest.fixture(scope="session")
def template(server_dsn: str) -> Iterator[str]:
    """The name of a migrated database that tests are copied from."""
    from backend.database.connection import Database, with_search_path
    from backend.database.migrate import upgrade

    name = f"template_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        upgrade(Database(with_search_path(make_conninfo(server_dsn, dbname=name))))
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(server_dsn: str, template: str) -> Iterator[str]:
    """The connection string of a fresh migrated database."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield make_conninfo(server_dsn, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
