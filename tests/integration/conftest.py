"""Fixtures over a real Postgres."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from small_catalogue import fresh_database
from stocked_catalogue import stocked

from backend.database.connection import Database, open_database
from backend.settings import Settings
from backend.spaces.space import ensure_default_space
from workers.progress import Progress
from workers.worker import Worker

# Made once for the whole run, so that it has to be known here.
__all__ = ["stocked"]


@pytest.fixture(scope="module")
def scratch(
    server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection[Any]]:
    """A connection in autocommit to a fresh database that the tests of one module share."""
    with (
        fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, _),
        psycopg.connect(database.dsn, autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings for the fresh database, with encoders that need no model."""
    return Settings(
        home=tmp_path,
        database_url=database_url,
        text_encoder="hashing:64",
        image_encoder="hashing:64",
        lease_seconds=2,
        poll_seconds=0.2,
    )


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """A fresh migrated database with an active default space of the hashing encoders."""
    with open_database(settings) as opened:
        ensure_default_space(opened, settings)
        yield opened


@pytest.fixture
def drain(database: Database, settings: Settings) -> Callable[[], int]:
    """Runs a worker until nothing is left to embed; returns how many products it embedded."""
    return lambda: Worker(database, settings, Progress(), drain=True).run()
