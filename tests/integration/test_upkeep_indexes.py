"""What upkeep does about indexes that are at fault."""

from collections.abc import Callable

import psycopg
import pytest
from upkeep_fixtures import FUSED, PRODUCTS, ask, catalogue, keep_up, make_alike, spoil, template

from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.health import check_index
from backend.spaces.indexes import build_indexes, wanted_indexes
from backend.spaces.space import active_space
from tests.eventually import eventually
from workers.upkeep import Outcome, Upkeep

__all__ = ["catalogue", "keep_up", "template"]

CHANGES = (
    "SELECT action, index_name, old_value, new_value, measured_before, measured_after, reason FROM retrieval_changes"
)
LOST = "SELECT count(*) FROM probe_index(1, 'fused', 3000) WHERE NOT found"
OPTIONS = f"SELECT reloptions FROM pg_class WHERE relname = '{FUSED}'"


def lost_share(database: Database) -> float:
    return float(ask(database, LOST)[0][0]) / PRODUCTS


def test_a_graph_that_leaves_products_out_is_rebuilt_until_it_reaches_them(
    catalogue: Database, keep_up: Callable[[], Outcome]
) -> None:
    spoil(catalogue)
    assert lost_share(catalogue) > 0.05
    outcome = keep_up()
    assert lost_share(catalogue) < 0.01
    rebuilt = ask(catalogue, CHANGES + " WHERE action = 'rebuild'")
    assert [row[1] for row in rebuilt] == [FUSED] * len(rebuilt)
    first, last = rebuilt[0], rebuilt[-1]
    assert first[2:4] == ("m=2, ef_construction=4", "m=16, ef_construction=300")
    assert "did not come back when asked for by their own vector" in first[6]
    assert first[4] < 0.95
    assert last[5] >= 0.99
    assert any(f"rebuilt {FUSED}" in line for line in outcome.changes)
    assert ask(catalogue, OPTIONS)[0][0][0] != "m=2"


def test_sound_indexes_are_checked_and_left_alone(catalogue: Database, keep_up: Callable[[], Outcome]) -> None:
    files = "SELECT relname, relfilenode FROM pg_class WHERE relname LIKE '%%_hnsw' ORDER BY 1"
    before = ask(catalogue, files)
    keep_up()
    assert ask(catalogue, files) == before
    assert ask(catalogue, CHANGES + " WHERE action = 'rebuild'") == []
    health = ask(catalogue, "SELECT index_name, products, asked, lost, growth, rebuilt_at FROM index_health ORDER BY 1")
    assert [row[:4] for row in health] == [
        (f"product_embeddings_1_{name}_hnsw", PRODUCTS, 300, 0) for name in ("fused", "image", "text")
    ]
    assert {row[4:] for row in health} == {(1.0, None)}


def test_the_probe_asks_the_index_and_nothing_else(catalogue: Database) -> None:
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s"
    for block in ("fused", "text", "image"):
        name = f"product_embeddings_1_{block}_hnsw"
        with catalogue.alone() as connection:
            row = connection.execute("SELECT count(*) FROM probe_index(1, %s, 40)", [block]).fetchone()
            assert row == (40,)
            connection.execute("SELECT pg_stat_force_next_flush()")
        assert ask(catalogue, scans, name)[0][0] >= 40


def test_products_that_are_all_alike_count_as_found(catalogue: Database) -> None:
    make_alike(catalogue, PRODUCTS)
    assert lost_share(catalogue) == 0


def test_after_mass_deletes_the_indexes_are_rebuilt_and_the_dead_rows_removed(
    catalogue: Database, keep_up: Callable[[], Outcome]
) -> None:
    size = f"SELECT pg_relation_size('{FUSED}')"
    before = ask(catalogue, size)[0][0]
    with catalogue.alone() as connection:
        connection.execute("ALTER TABLE product_embeddings_1 SET (autovacuum_enabled = false)")
        connection.execute("DELETE FROM products WHERE id % 2 = 0")
        connection.execute("SELECT pg_stat_force_next_flush()")
    outcome = keep_up()
    assert len([line for line in outcome.changes if line.startswith("rebuilt")]) == 3
    rebuilt = ask(catalogue, CHANGES + " WHERE action = 'rebuild'")
    assert {row[6] for row in rebuilt} == {"50% of the rows that it points at are dead"}
    assert ask(catalogue, size)[0][0] < 0.6 * before
    assert ask(catalogue, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'product_embeddings_1'") == [(0,)]
    # Nothing is left to do.
    assert not [line for line in keep_up().changes if line.startswith("rebuilt")]


def test_room_that_deleted_products_left_is_noticed(catalogue: Database) -> None:
    index = wanted_indexes(active_space(catalogue))[0]
    with catalogue.alone() as connection:
        first = check_index(connection, active_space(catalogue), index)
        # Late counts of the deletion would come on top of what VACUUM sets to 0.
        connection.execute("DELETE FROM products WHERE id % 2 = 0")
        connection.execute("SELECT pg_stat_force_next_flush()")
        connection.execute("VACUUM product_embeddings_1")
        then = check_index(connection, active_space(catalogue), index)
    assert first is not None
    assert then is not None
    assert first.fault is None
    assert then.growth == pytest.approx(2, abs=0.05)
    assert then.fault == "it takes 2.0 times the room for each product that it took once"


def test_an_index_is_not_rebuilt_again_and_again(catalogue: Database, keep_up: Callable[[], Outcome]) -> None:
    spoil(catalogue)
    keep_up()
    done = len(ask(catalogue, CHANGES + " WHERE action = 'rebuild'"))
    spoil(catalogue)
    keep_up()
    assert len(ask(catalogue, CHANGES + " WHERE action = 'rebuild'")) == done


def test_what_a_rebuild_that_was_cut_short_left_is_cleared_away(
    catalogue: Database, keep_up: Callable[[], Outcome]
) -> None:
    with catalogue.alone() as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY {FUSED}_ccnew ON product_embeddings_1 (space_id)".encode()
        )
    spoil(catalogue)
    keep_up()
    assert ask(catalogue, "SELECT to_regclass(%s)", f"{FUSED}_ccnew") == [(None,)]


def test_a_space_that_another_process_indexes_is_left_to_it(
    catalogue: Database, keep_up: Callable[[], Outcome]
) -> None:
    spoil(catalogue)
    with catalogue.alone() as other:
        other.execute("SELECT pg_advisory_lock(hashtext('shelfmate.indexing'), 1)")
        keep_up()
    assert ask(catalogue, CHANGES + " WHERE action = 'rebuild'") == []


def test_the_end_of_the_worker_ends_a_rebuild_at_once_and_the_old_index_goes_on(
    catalogue: Database, settings: Settings
) -> None:
    spoil(catalogue)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REINDEX%%' AND wait_event_type = 'Lock'"
    # An old transaction, which every concurrent build has to wait for.
    with catalogue.alone() as other, other.transaction():
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM products")
        with Upkeep(catalogue, settings.model_copy(update={"upkeep_seconds": 0.1}), lambda _: None):
            eventually(lambda: ask(catalogue, waiting)[0][0])
        # Where leaving waits for the rebuild, it waits for ever: the old transaction is this test's own.
    assert ask(catalogue, "SELECT is_indexed(1)") == [(True,)]
    assert ask(catalogue, "SELECT error FROM upkeep_passes ORDER BY id LIMIT 1")[0][0] is not None


def test_small_spaces_have_no_index_to_check(catalogue: Database, keep_up: Callable[[], Outcome]) -> None:
    with catalogue.write() as connection:
        connection.execute("DELETE FROM products WHERE id > 900")
    keep_up()
    assert ask(catalogue, "SELECT count(*) FROM index_checks") == [(0,)]
    with catalogue.alone() as connection:
        assert build_indexes(connection, active_space(catalogue), lambda _: None) == []
