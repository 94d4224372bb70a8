"""A product that kills every worker that encodes it: the others are embedded, and it ends as a dead letter."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from backend.database.connection import Database, open_database
from backend.settings import Settings
from backend.spaces.jobs import list_jobs
from backend.spaces.space import ensure_default_space
from workers.queue import MOST_LOSSES

WORKER = """
import os, signal
from backend.database.connection import open_database
from backend.settings import settings
from backend.spaces.embedder import Embedder
from workers.progress import Progress
from workers.worker import Worker

class Deadly(Embedder):
    def texts(self, space, texts):
        if any("deadly" in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().texts(space, texts)

with open_database(settings()) as database:
    Worker(database, settings(), Progress(), drain=True, embedder=Deadly()).run()
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    settings = Settings(database_url=database_url, text_encoder="hashing:64", image_encoder="hashing:64")
    with open_database(settings) as opened:
        ensure_default_space(opened, settings)
        yield opened


def test_a_deadly_product_takes_no_other_down(database: Database, database_url: str) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, CASE n WHEN 20 THEN 'deadly' ELSE 'T' || n END"
            " FROM generate_series(1, 40) n"
        )
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "SHELFMATE_LEASE_SECONDS": "0.4",
        "SHELFMATE_POLL_SECONDS": "0.1",
        "SHELFMATE_BATCH_SIZE": "8",
    }
    deaths = 0
    while subprocess.run([sys.executable, "-c", WORKER], env=environment, check=False, timeout=60).returncode != 0:
        deaths += 1
        assert deaths <= MOST_LOSSES
    assert deaths == MOST_LOSSES
    (dead,) = list_jobs(database)
    assert (dead.sku, dead.state, dead.losses) == ("S20", "dead", MOST_LOSSES)
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM active_embeddings").fetchone() == (39,)
