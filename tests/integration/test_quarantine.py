"""The process that tries suspects, as its worker begins and ends it."""

import subprocess
import sys
import time
from typing import Any

import pytest

from backend.database.connection import Database
from backend.settings import Settings
from tests.eventually import eventually
from workers.identity import worker_name
from workers.quarantine import Quarantine
from workers.queue import JobQueue
from workers.tally import Tally

SLEEPER = (sys.executable, "-c", "import time; time.sleep(200)")


@pytest.fixture
def suspected(database: Database) -> Database:
    with database.write() as connection:
        connection.execute("INSERT INTO products (sku, title) VALUES ('A', 'T')")
        connection.execute("UPDATE embedding_jobs SET losses = 2")
    return database


def test_a_child_that_ended_before_it_had_its_settings_is_told_of(
    suspected: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ended(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.wait()

    monkeypatch.setattr(subprocess, "Popen", Ended)
    done: list[int] = []
    queue = JobQueue(suspected, worker_name(), settings.lease_seconds)
    with Quarantine(suspected, settings, queue, Tally(), done.append, [sys.executable, "-c", ""]) as quarantine:
        quarantine.look([])
        eventually(lambda: done == [0])


def test_no_child_is_begun_behind_the_back_of_who_ends_it(
    suspected: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            time.sleep(0.5)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Slow)
    queue = JobQueue(suspected, worker_name(), settings.lease_seconds)
    with Quarantine(suspected, settings, queue, Tally(), lambda _embedded: None, SLEEPER) as quarantine:
        quarantine.look([])
        began = time.monotonic()
    assert time.monotonic() - began < 100
