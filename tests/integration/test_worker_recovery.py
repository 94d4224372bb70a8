"""What killed workers leave behind is done soon, also while more of them are killed."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

import psycopg
import pytest

import workers.worker
from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.filling import FillStep, advance_fills
from backend.spaces.jobs import count_jobs
from backend.spaces.space import Space
from tests.eventually import eventually
from workers.alone import work_alone
from workers.identity import has_ended, worker_name
from workers.leases import Heartbeat
from workers.progress import Progress
from workers.queue import JobQueue
from workers.tally import Tally
from workers.worker import Worker


def insert(database: Database, count: int, losses: int = 0) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO products (sku, title) SELECT n, 'T' FROM generate_series(1, %s) n", [count])
        connection.execute("UPDATE embedding_jobs SET losses = %s", [losses])


def killed() -> str:
    """The name of a process of this machine that has been killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        process.kill()
    return worker_name(process.pid)


def test_a_process_has_ended_only_if_that_is_certain() -> None:
    name = killed()
    host, pid, mark = name.split(":")
    assert has_ended(name)
    assert not any(has_ended(living) for living in (worker_name(), worker_name(1)))
    # Of another machine or container, where the same number is another process, and names that mean nothing.
    assert not any(has_ended(f"{host}:{pid}{more}") for more in ("", ":", ":00000000"))
    assert not any(has_ended(other) for other in (f"other:{pid}:{mark}", f"{host}:none:{mark}", "dead", ""))


def test_what_a_killed_process_held_comes_back_before_its_lease_runs_out(database: Database) -> None:
    insert(database, 4)
    for name in (killed(), worker_name(1)):
        assert len(JobQueue(database, name, lease_seconds=600).claim_interactive(2)) == 2
    came_back = threading.Event()
    with Heartbeat(JobQueue(database, worker_name(), lease_seconds=2), Tally(), 60, expired=came_back.set):
        assert came_back.wait(60)
    # Those of the one that lives are left alone.
    counts = count_jobs(database)
    assert (counts.queued, counts.leased) == (2, 2)


def test_what_heartbeats_take_back_is_counted(database: Database) -> None:
    insert(database, 1)
    queue = JobQueue(database, killed(), lease_seconds=60)
    queue.claim_interactive(1)
    with Heartbeat(queue, Tally(), 60):
        pass
    with database.read() as connection:
        assert connection.execute("SELECT sum(failed)::int, sum(died)::int FROM embedding_log").fetchone() == (1, 0)


def test_a_child_whose_worker_was_killed_still_does_what_it_was_started_for(
    database: Database, settings: Settings
) -> None:
    insert(database, 3, losses=2)
    lines = settings.model_copy(update={"database_url": database.dsn}).model_dump_json().encode() + b"\n"
    with subprocess.Popen(
        [sys.executable, "-m", "workers.alone"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        # As when its parent dies: nobody writes to it, and nobody reads what it says.
        child.stdout.close()
        child.stdin.write(lines)
        child.stdin.close()
        assert child.wait(120) == 0
    assert count_jobs(database).waiting == 0


def test_an_orphan_does_not_go_on_for_ever(database: Database, settings: Settings) -> None:
    insert(database, 3, losses=4)
    orphaned = threading.Event()
    orphaned.set()
    work_alone(database, settings, Embedder(database), threading.Event(), orphaned)
    assert (count_jobs(database).queued, count_jobs(database).leased) == (2, 0)


def test_a_fill_that_the_database_refuses_ends_no_worker(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusals = [psycopg.errors.ForeignKeyViolation("refused"), psycopg.errors.DeadlockDetected("entangled")]

    def refuse(database: Database) -> Sequence[tuple[Space, FillStep]]:
        if refusals:
            raise refusals.pop()
        return advance_fills(database)

    monkeypatch.setattr(workers.worker, "advance_fills", refuse)
    insert(database, 3)
    with caplog.at_level(logging.WARNING, "shelfmate.worker"):
        assert Worker(database, settings, Progress(), drain=True).run() == 3
    assert [record.getMessage().rsplit(" ", 1)[1] for record in caplog.records] == ["entangled", "refused"]


def test_suspects_become_fewer_while_every_worker_is_killed_at_once(database: Database, settings: Settings) -> None:
    # Of one claim: the child goes on for a moment only.
    insert(database, 30, losses=2)
    environment = os.environ | {
        "DATABASE_URL": database.dsn,
        "SHELFMATE_LEASE_SECONDS": "600",
        "SHELFMATE_TEXT_ENCODER": "hashing:64",
        "SHELFMATE_IMAGE_ENCODER": "hashing:64",
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "backend.cli", "worker"], env=environment, stderr=subprocess.PIPE, text=True
    )
    with worker:
        assert worker.stderr is not None
        # Its child has its settings, and is no further than that.
        assert any("tries the products" in line for line in worker.stderr)
        worker.kill()
    # Where the child ends with its worker, they are held for ten minutes.
    eventually(lambda: not count_jobs(database).waiting, 120)
