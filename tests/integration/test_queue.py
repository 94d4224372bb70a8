"""The queue's promises, statement by statement."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from backend.database.connection import Database
from backend.spaces.jobs import count_jobs, list_jobs, retry_dead
from workers.queue import MOST_LOSSES, JobQueue, Lease, Result


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return JobQueue(database, "test", lease_seconds=60)


def insert(database: Database, *skus: str) -> None:
    with database.write() as connection:
        for sku in skus:
            connection.execute("INSERT INTO products (sku, title) VALUES (%s, %s)", [sku, f"title of {sku}"])


def result(lease: Lease) -> Result:
    return Result(
        lease=lease,
        text=np.ones(64, dtype=np.float32) / 8,
        image=None,
        fused=np.ones(128, dtype=np.float32) / 16,
        text_hash=b"t" * 32,
        image_hash=None,
    )


def stored(database: Database) -> set[str]:
    with database.read() as connection:
        return {row[0] for row in connection.execute("SELECT sku FROM active_embeddings").fetchall()}


def test_a_result_is_stored_and_its_job_ended_together(database: Database, queue: JobQueue) -> None:
    insert(database, "A", "B")
    leases = queue.claim_interactive(10)
    assert queue.store(1, [result(lease) for lease in leases]) == {lease.product_id for lease in leases}
    assert stored(database) == {"A", "B"}
    assert count_jobs(database).waiting == 0


def test_two_workers_never_claim_the_same_job(database: Database, queue: JobQueue) -> None:
    insert(database, *(f"S{number}" for number in range(50)))
    claimed: list[Lease] = []

    def claim() -> None:
        while leases := queue.claim_interactive(3):
            claimed.extend(leases)

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len({lease.product_id for lease in claimed}) == 50


def test_a_worker_that_comes_back_late_is_refused(database: Database, queue: JobQueue) -> None:
    insert(database, "A")
    (late,) = JobQueue(database, "late", lease_seconds=0.01).claim_interactive(1)
    time.sleep(0.05)
    assert queue.expire() == [(1, "queued")]
    (current,) = queue.claim_interactive(1)
    assert current.lease_token != late.lease_token
    assert queue.store(1, [result(late)]) == set()
    assert stored(database) == set()
    assert queue.store(1, [result(current)]) == {current.product_id}


def test_an_edit_during_encoding_refuses_the_old_result(database: Database, queue: JobQueue) -> None:
    insert(database, "A", "B")
    leases = queue.claim_interactive(10)
    with database.write() as connection:
        connection.execute("UPDATE products SET title = 'another' WHERE sku = 'A'")
    assert len(queue.store(1, [result(lease) for lease in leases])) == 1
    assert stored(database) == {"B"}
    assert [job.state for job in list_jobs(database)] == ["queued"]


def test_a_delete_during_encoding_leaves_nothing(database: Database, queue: JobQueue) -> None:
    insert(database, "A", "B")
    leases = queue.claim_interactive(10)
    with database.write() as connection:
        connection.execute("DELETE FROM products WHERE sku = 'A'")
    assert len(queue.store(1, [result(lease) for lease in leases])) == 1
    assert stored(database) == {"B"}


@pytest.mark.parametrize(
    "statement", ["UPDATE products SET title = 'x' WHERE sku = 'A'", "DELETE FROM products WHERE sku = 'A'"]
)
def test_storing_never_waits_for_an_open_transaction(database: Database, queue: JobQueue, statement: str) -> None:
    insert(database, "A", "B")
    leases = queue.claim_interactive(10)
    with database.alone() as other, other.transaction(force_rollback=True):
        other.execute(statement)
        # Where it waits, it waits for ever: the other transaction is this test's own.
        assert len(queue.store(1, [result(lease) for lease in leases])) == 1
    # The other transaction rolled back: the job is still leased, and can be handed back.
    queue.release(leases)
    assert [(job.sku, job.state) for job in list_jobs(database)] == [("A", "queued")]


def test_a_heartbeat_keeps_a_lease(database: Database, queue: JobQueue) -> None:
    insert(database, "A", "B")
    short = replace(queue, lease_seconds=0.01)
    (kept,), (lost,) = short.claim_interactive(1), short.claim_interactive(1)
    queue.extend([kept.lease_token])
    time.sleep(0.05)
    assert queue.expire() == [(1, "queued")]
    assert [lease.product_id for lease in queue.claim_interactive(10)] == [lost.product_id]
    assert queue.store(1, [result(kept)]) == {kept.product_id}


def test_an_interactive_insert_passes_a_backfill(database: Database, queue: JobQueue) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'bulk' || n, 'bulk' FROM generate_series(1, 200) n"
        )
    insert(database, "single")
    (first,) = queue.claim_interactive(1)
    with database.read() as connection:
        assert connection.execute("SELECT sku FROM products WHERE id = %s", [first.product_id]).fetchone() == (
            "single",
        )


def test_a_failure_waits_and_the_last_one_is_dead_until_retried(database: Database, queue: JobQueue) -> None:
    insert(database, "A")
    (lease,) = queue.claim_interactive(1)
    queue.fail(lease, "it broke", delay=3600)
    assert queue.claim_interactive(1) == []
    with database.write() as connection:
        connection.execute("UPDATE embedding_jobs SET available_at = now()")
    (lease,) = queue.claim_interactive(1)
    assert lease.attempts == 1
    queue.fail(lease, "it broke for good", delay=None)
    (dead,) = list_jobs(database)
    assert (dead.state, dead.attempts, dead.last_error) == ("dead", 2, "it broke for good")
    assert retry_dead(database, sku="B") == 0
    assert retry_dead(database, sku="A") == 1
    assert len(queue.claim_interactive(1)) == 1


def test_a_failure_that_comes_late_changes_nothing(database: Database, queue: JobQueue) -> None:
    insert(database, "A")
    (lease,) = queue.claim_interactive(1)
    with database.write() as connection:
        connection.execute("UPDATE products SET title = 'another'")
    queue.fail(lease, "too late", delay=None)
    assert [(job.state, job.last_error) for job in list_jobs(database)] == [("queued", None)]


def test_a_job_that_kills_its_workers_ends_up_alone_and_then_dies(database: Database, queue: JobQueue) -> None:
    insert(database, "poison", "good")
    dying = JobQueue(database, "dying", lease_seconds=0.001)
    sizes = []
    for _ in range(MOST_LOSSES):
        leases = dying.claim_interactive(10) or dying.claim_suspects()
        sizes.append(len(leases))
        if [lease.product_id for lease in leases] == [2]:
            # Alone, the good one does not kill its worker.
            dying.store(1, [result(leases[0])])
            leases = dying.claim_suspects()
        time.sleep(0.005)
        dying.expire()
    assert sizes[:5] == [2, 2, 2, 2, 1]
    assert stored(database) == {"good"}
    (dead,) = list_jobs(database)
    assert (dead.sku, dead.state) == ("poison", "dead")
    assert "dying" in (dead.last_error or "")


def test_what_a_killed_worker_held_keeps_its_place_in_the_line(database: Database, queue: JobQueue) -> None:
    insert(database, "first")
    dying = JobQueue(database, "dying", lease_seconds=60)
    (lease,) = dying.claim_interactive(1)
    insert(database, "later")
    assert queue.expire(["dying"]) == [(1, "queued")]
    assert [claimed.product_id for claimed in queue.claim_interactive(1)] == [lease.product_id]


def test_a_suspect_is_claimed_apart(database: Database, queue: JobQueue) -> None:
    insert(database, "suspect", "busy1", "busy2")
    with database.write() as connection:
        connection.execute("UPDATE embedding_jobs SET losses = 2 WHERE product_id = 1")
    assert [lease.product_id for lease in queue.claim_interactive(10)] == [2, 3]
    assert [lease.product_id for lease in queue.claim_suspects()] == [1]


@pytest.mark.parametrize("call", ["extend", "release"])
def test_a_worker_never_waits_for_an_open_edit(database: Database, queue: JobQueue, call: str) -> None:
    insert(database, "A", "B")
    leases = queue.claim_interactive(10)
    with database.alone() as other, other.transaction():
        other.execute("UPDATE products SET title = 'another' WHERE sku = 'A'")
        # As above, a wait would have no end.
        if call == "extend":
            queue.extend([leases[0].lease_token])
        else:
            queue.release(leases)
    assert count_jobs(database).queued == (2 if call == "release" else 1)
