"""The small catalogue, embedded once for the whole run; databases of a test are copied from it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from small_catalogue import drain, insert_products

from backend.database.connection import open_database
from backend.settings import Settings
from backend.spaces.space import ensure_default_space


def stocked_settings(server_dsn: str, name: str, home: Path) -> Settings:
    """Settings for a copy of it."""
    return Settings(
        home=home,
        database_url=make_conninfo(server_dsn, dbname=name),
        text_encoder="hashing:64",
        image_encoder="hashing:64",
        poll_seconds=0.2,
    )


@pytest.fixture(scope="session")
def stocked(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the small catalogue embedded, that shops are copied from."""
    name = f"stocked_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        settings = stocked_settings(server_dsn, name, tmp_path_factory.mktemp("home"))
        with open_database(settings) as database:
            ensure_default_space(database, settings)
            insert_products(database)
            assert drain(database, settings) == 315
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
