"""When upkeep runs, what it gives way to, and what it shows."""

import itertools
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event, Thread

import psycopg
import pytest
from upkeep_fixtures import FUSED, ask, catalogue, freeze, keep_up, spoil, template
from web_fixtures import read

from backend.app import create_app
from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from tests.eventually import eventually
from workers.progress import Progress
from workers.upkeep import EXPIRED_AT_ONCE, Outcome, Upkeep
from workers.worker import Worker

__all__ = ["catalogue", "keep_up", "template"]

PASSES = "SELECT measured, finished_at IS NOT NULL, audited, expired, error FROM upkeep_passes ORDER BY id"


def started(catalogue: Database, settings: Settings, seconds: float = 0.1) -> AbstractContextManager[Upkeep]:
    return Upkeep(catalogue, settings.model_copy(update={"upkeep_seconds": seconds}), lambda _: None)


def test_only_what_has_expired_is_deleted_in_batches_without_waiting(
    catalogue: Database, keep_up: Callable[[], Outcome]
) -> None:
    freeze(catalogue, {"like": [{"sku": "S1"}]}, mode="exact")
    ask(
        catalogue,
        """WITH kept AS (
               INSERT INTO recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)
               SELECT 'recommendation', 1, '{}', '{}', '[]', 'exact', true, now() - interval '1 second'
                 FROM generate_series(1, %s) RETURNING 1)
           SELECT count(*) FROM kept""",
        EXPIRED_AT_ONCE + 5,
    )
    with psycopg.connect(catalogue.dsn) as reader:
        reader.execute("SELECT FROM recommendations WHERE expires_at < now() LIMIT 1 FOR UPDATE")
        assert keep_up().expired == EXPIRED_AT_ONCE + 4
    assert keep_up().expired == 1
    assert ask(catalogue, "SELECT count(*) FROM recommendations") == [(1,)]


def test_one_pass_at_a_time_in_the_whole_database(catalogue: Database, settings: Settings) -> None:
    with catalogue.alone() as other:
        other.execute("SELECT pg_advisory_lock(hashtext('shelfmate.upkeep'), 0)")
        assert Upkeep(catalogue, settings, lambda _: None).run_now() is None
    assert ask(catalogue, PASSES) == []
    assert Upkeep(catalogue, settings, lambda _: None).run_now() is not None
    assert len(ask(catalogue, PASSES)) == 1


def test_several_workers_do_no_more_than_one(catalogue: Database, settings: Settings) -> None:
    with started(catalogue, settings, 1000), started(catalogue, settings, 0.5), started(catalogue, settings, 0.5):
        eventually(lambda: len(ask(catalogue, PASSES)) >= 2)
        time.sleep(1.2)
    times = [row[0] for row in ask(catalogue, "SELECT started_at FROM upkeep_passes WHERE measured ORDER BY 1")]
    assert all((later - sooner).total_seconds() > 0.5 for sooner, later in itertools.pairwise(times))


def test_while_products_wait_to_be_embedded_it_only_deletes(catalogue: Database, settings: Settings) -> None:
    spoil(catalogue)
    freeze(catalogue, {"like": [{"sku": "S1"}]}, seconds=-5)
    with catalogue.write() as connection:
        connection.execute("INSERT INTO products (sku, title) SELECT 'N' || n, 'new' FROM generate_series(1, 100) n")
    with started(catalogue, settings):
        eventually(lambda: len(ask(catalogue, PASSES)) > 1)
        assert {row[0] for row in ask(catalogue, PASSES)} == {False}
        assert ask(catalogue, "SELECT count(*) FROM recommendations") == [(0,)]
        assert ask(catalogue, "SELECT count(*) FROM index_checks") == [(0,)]
        with catalogue.write() as connection:
            connection.execute("DELETE FROM embedding_jobs")
        eventually(lambda: ask(catalogue, "SELECT count(*) FROM retrieval_changes WHERE action = 'rebuild'")[0][0])


def test_a_batch_that_comes_during_a_pass_ends_it(
    catalogue: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.upkeep.SECONDS_BETWEEN_LOOKS", 0.0)
    upkeep = Upkeep(catalogue, settings, lambda _: None)
    assert not upkeep._interrupted()
    with catalogue.write() as connection:
        connection.execute("INSERT INTO products (sku, title) SELECT 'N' || n, 'new' FROM generate_series(1, 100) n")
    assert upkeep._interrupted()


def test_a_worker_keeps_up_and_a_drain_does_not(catalogue: Database, settings: Settings) -> None:
    hasty = settings.model_copy(update={"upkeep_seconds": 0.1})
    Worker(catalogue, hasty, Progress(), drain=True).run()
    assert ask(catalogue, PASSES) == []
    worker = Worker(catalogue, hasty, Progress(), stopping=Event())
    thread = Thread(target=worker.run)
    thread.start()
    try:
        eventually(lambda: [row for row in ask(catalogue, PASSES) if row[0] and row[1] and not row[4]])
    finally:
        worker.stopping.set()
        thread.join(60)
    assert not thread.is_alive()


def test_what_fails_is_said_and_tried_again(
    catalogue: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with catalogue.write() as connection:
        connection.execute("ALTER TABLE index_checks RENAME TO hidden_checks")
    with started(catalogue, settings):
        eventually(lambda: "upkeep failed" in caplog.text)
        with catalogue.write() as connection:
            connection.execute("ALTER TABLE hidden_checks RENAME TO index_checks")
        eventually(lambda: [row for row in ask(catalogue, PASSES) if row[0] and row[1] and not row[4]])
    assert "index_checks" in ask(catalogue, PASSES)[0][4]


def test_what_a_function_refuses_does_not_end_the_thread(
    catalogue: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """As probe_index does where a space is dropped between two statements."""
    with catalogue.write() as connection:
        connection.execute("ALTER FUNCTION count_popularity RENAME TO hidden_count")
        connection.execute(
            """CREATE FUNCTION count_popularity() RETURNS bigint LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'no block' USING ERRCODE = 'SM005'; END $$"""
        )
    with started(catalogue, settings):
        eventually(lambda: "upkeep failed" in caplog.text)
        with catalogue.write() as connection:
            connection.execute("DROP FUNCTION count_popularity")
            connection.execute("ALTER FUNCTION hidden_count RENAME TO count_popularity")
        eventually(lambda: [row for row in ask(catalogue, PASSES) if row[0] and row[1] and not row[4]])
    assert ask(catalogue, PASSES)[0][4] == "no block"


def test_the_command_does_one_pass_and_says_what_it_did(catalogue: Database, settings: Settings) -> None:
    spoil(catalogue)
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", "upkeep"],
        env={
            "DATABASE_URL": settings.database_url or "",
            "SHELFMATE_TEXT_ENCODER": "hashing:64",
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"rebuilt {FUSED} with m=16, ef_construction=300" in done.stdout
    assert re.search(r"\d+ queries audited, [1-9] changes, 0 expired results deleted", done.stdout)


def test_the_page_is_honest_before_there_is_anything(catalogue: Database, settings: Settings) -> None:
    client = create_app(catalogue, Embedder(), settings).test_client()
    page = read(client, "/admin/retrieval").text
    assert "Not measured yet." in page
    assert "There is no measurement of the indexes as they are now." in page
    assert "No index was checked yet." in page
    assert "Nothing so far." in page
    with catalogue.write() as connection:
        connection.execute(f"DROP INDEX {FUSED}".encode())
    assert "every question is answered exactly" in read(client, "/admin/retrieval").text


def test_page_and_metrics_show_what_was_measured(
    catalogue: Database, settings: Settings, keep_up: Callable[[], Outcome]
) -> None:
    spoil(catalogue)
    freeze(catalogue, {"like": [{"sku": "S1"}], "k": 12})
    keep_up()
    client = create_app(catalogue, Embedder(), settings).test_client()
    page = read(client, "/admin/retrieval").text
    assert "no filter" in page
    assert FUSED in page
    assert "m=2, ef_construction=4 → m=16, ef_construction=300" in page
    assert "did not come back when asked for by their own vector" in page
    assert 'href="/admin/retrieval"' in client.get("/admin").text
    metrics = client.get("/metrics").text
    shown = dict(re.findall(r"^(shelfmate_\S+) (\S+)$", metrics, re.MULTILINE))
    assert 0.9 <= float(shown['shelfmate_recall{filter_class="none",space="default"}']) <= 1
    assert 0 <= float(shown['shelfmate_recall_p5{filter_class="none",space="default"}']) <= 1
    assert float(shown['shelfmate_recall_queries{filter_class="none",space="default"}']) >= 1
    width = ask(catalogue, "SELECT ef_search FROM embedding_spaces")[0][0]
    assert float(shown['shelfmate_ef_search{space="default"}']) == width
    assert 0 <= float(shown['shelfmate_recall_audit_age_seconds{space="default"}']) < 600
    assert 0 <= float(shown["shelfmate_upkeep_age_seconds"]) < 600
    assert float(shown[f'shelfmate_index_unreachable_share{{index="{FUSED}"}}']) < 0.01
    assert float(shown[f'shelfmate_index_dead_share{{index="{FUSED}"}}']) == 0
    assert float(shown[f'shelfmate_index_bytes{{index="{FUSED}"}}']) > 100_000


def test_the_metrics_are_silent_on_what_was_never_measured(catalogue: Database, settings: Settings) -> None:
    metrics = create_app(catalogue, Embedder(), settings).test_client().get("/metrics").text
    assert not re.search(r"^shelfmate_(recall|index|upkeep)", metrics, re.MULTILINE)
