"""The life of a space: made, filled, activated, rolled back, retired, resumed, dropped."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psycopg
import pytest
from space_fixtures import WORDS, embed, fill, insert, new_space

from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput, NotFound
from backend.spaces import life
from backend.spaces.dropping import drop_space
from backend.spaces.filling import advance_fill, advance_fills
from backend.spaces.inputs import hash_texts
from backend.spaces.life import activate, create_space, find_space, resume, retire, roll_back
from backend.spaces.space import Space, active_space, list_spaces
from tests.eventually import eventually
from workers.queue import JobQueue, Result

__all__ = ["new_space"]

NewSpace = Callable[[str], Space]


def ask(database: Database, statement: str, *values: object) -> list[tuple[object, ...]]:
    with database.primary() as connection:
        return connection.execute(statement.encode(), values).fetchall()


@pytest.fixture
def shop(database: Database) -> Database:
    """60 products that the active space has embedded, which here is of words as well."""
    insert(database, 60)
    with database.write() as connection:
        connection.execute("DELETE FROM embedding_jobs")
        connection.execute(
            "INSERT INTO product_embeddings (product_id, space_id, text, fused)"
            " SELECT id, 1, array_fill(.125, ARRAY[64])::halfvec, array_fill(.0625, ARRAY[128])::halfvec FROM products"
        )
    return database


def test_a_space_lives_from_its_making_to_its_end(shop: Database) -> None:
    space = create_space(shop, "words", WORDS)
    assert (space.state, space.filled_at) == ("building", None)
    assert ask(shop, "SELECT count(*) FROM embedding_jobs") == [(0,)]
    assert advance_fill(shop, space).queued == 60
    assert advance_fill(shop, space).stage == "embedding"
    assert ask(shop, "SELECT DISTINCT priority, space_id FROM embedding_jobs") == [(1, space.id)]
    assert embed(shop, space) == 60
    assert advance_fill(shop, space).stage == "filled"
    space = find_space(shop, "words")
    assert space.state == "shadow"
    assert space.filled_at is not None
    assert advance_fills(shop) == []
    assert activate(shop, "words").state == "active"
    assert find_space(shop, "default").state == "shadow"
    assert ask(shop, "SELECT DISTINCT vector_dims(fused) FROM active_embeddings") == [(8,)]
    assert roll_back(shop).name == "default"
    assert ask(shop, "SELECT DISTINCT vector_dims(fused) FROM active_embeddings") == [(128,)]
    assert retire(shop, "words").state == "retired"
    drop_space(shop, "words")
    assert [item.name for item in list_spaces(shop)] == ["default"]
    assert ask(shop, "SELECT to_regclass(%s)", f"product_embeddings_{space.id}") == [(None,)]
    assert ask(shop, "SELECT count(*) FROM embedding_jobs WHERE space_id = %s", space.id) == [(0,)]


def test_edits_while_a_space_is_filled_are_embedded_in_both(shop: Database) -> None:
    space = create_space(shop, "words", WORDS)
    advance_fill(shop, space)
    embed(shop, space)
    with shop.write() as connection:
        connection.execute("UPDATE products SET title = 'a new one' WHERE sku = 'S7'")
        connection.execute("INSERT INTO products (sku, title) VALUES ('N1', 'late')")
    assert ask(shop, "SELECT space_id, count(*) FROM embedding_jobs GROUP BY 1 ORDER BY 1") == [(1, 2), (space.id, 2)]
    # They are no part of the fill, which would never end in a busy shop.
    assert advance_fill(shop, space).stage == "filled"


def test_an_old_transaction_that_only_reads_as_analyst_holds_no_fill_up(shop: Database) -> None:
    with shop.alone() as analyst:
        analyst.execute("SET ROLE analyst")
        space = create_space(shop, "words", WORDS)
    with shop.alone() as reader, reader.transaction():
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM products")
        other = create_space(shop, "more", WORDS)
        step = advance_fill(shop, other)
        assert step.stage == "waiting"
        assert step.blockers[0].pid == reader.info.backend_pid
    assert advance_fill(shop, other).queued == 60
    assert advance_fill(shop, space).queued == 60


def test_what_is_not_filled_is_not_activated_but_by_force(shop: Database) -> None:
    create_space(shop, "words", WORDS)
    with pytest.raises(Conflict, match="words is still being filled"):
        activate(shop, "words", patience=0)
    assert active_space(shop).name == "default"
    assert activate(shop, "words", force=True, patience=0).state == "active"
    # It goes on being filled, and answers from what it has.
    assert active_space(shop).filled_at is None
    space = active_space(shop)
    fill(shop, space)
    assert active_space(shop).filled_at is not None


def test_a_space_that_lacks_products_is_refused_and_says_how_many(shop: Database, new_space: NewSpace) -> None:
    space = new_space("words")
    with shop.write() as connection:
        connection.execute("DELETE FROM product_embeddings WHERE space_id = %s AND product_id <= 3", [space.id])
    with pytest.raises(Conflict, match="words lacks 3 products that the active one has"):
        activate(shop, "words", patience=0)
    assert active_space(shop).name == "default"


def test_an_activation_waits_for_a_handful_of_products(shop: Database, new_space: NewSpace) -> None:
    space = new_space("words")
    with shop.write() as connection:
        connection.execute("DELETE FROM product_embeddings WHERE space_id = %s AND product_id <= 3", [space.id])
        connection.execute(
            "INSERT INTO embedding_jobs (product_id, space_id) SELECT id, %s FROM products WHERE id <= 3", [space.id]
        )
    from threading import Timer

    timer = Timer(0.5, embed, (shop, space))
    timer.start()
    assert activate(shop, "words", patience=30).state == "active"
    timer.join()


def test_in_a_busy_shop_what_was_queued_just_now_holds_no_activation_up(shop: Database, new_space: NewSpace) -> None:
    space = new_space("words")
    missing = "DELETE FROM product_embeddings WHERE space_id = %s AND product_id <= 3"
    queued = (
        "INSERT INTO embedding_jobs (product_id, space_id, queued_at) SELECT id, %s, {} FROM products WHERE id <= 3"
    )
    with shop.write() as connection:
        connection.execute(missing, [space.id])
        connection.execute(queued.format("now() - interval '1 minute'").encode(), [space.id])
    with pytest.raises(Conflict, match="lacks 3 products"):
        activate(shop, "words", patience=0.5)
    with shop.write() as connection:
        connection.execute("UPDATE embedding_jobs SET queued_at = now() WHERE space_id = %s", [space.id])
    assert activate(shop, "words", patience=30).state == "active"


def test_rolling_back_goes_further_back_each_time(shop: Database, new_space: NewSpace) -> None:
    with pytest.raises(Conflict, match="none was active before default"):
        roll_back(shop, patience=0)
    for name in ("two", "three"):
        new_space(name)
        activate(shop, name)
    assert [roll_back(shop).name, roll_back(shop).name] == ["two", "default"]
    activate(shop, "three")
    assert roll_back(shop).name == "default"


def test_one_goes_back_to_no_space_that_is_not_kept_up(shop: Database, new_space: NewSpace) -> None:
    new_space("words")
    activate(shop, "words")
    retire(shop, "default")
    with pytest.raises(Conflict, match="default is retired: resume it"):
        roll_back(shop, patience=0)
    with pytest.raises(Conflict, match="default is retired: resume it"):
        activate(shop, "default", force=True, patience=0)
    drop_space(shop, "default")
    with pytest.raises(Conflict, match="none was active before words"):
        roll_back(shop, patience=0)


def test_a_retired_space_is_left_alone_until_it_is_resumed(shop: Database, new_space: NewSpace) -> None:
    space = new_space("words")
    with shop.write() as connection:
        connection.execute("UPDATE products SET title = 'queued before' WHERE sku = 'S1'")
    retire(shop, "words")
    with shop.write() as connection:
        connection.execute("UPDATE products SET title = 'edited meanwhile' WHERE sku = 'S2'")
    assert ask(shop, "SELECT count(*) FROM embedding_jobs WHERE space_id = %s", space.id) == [(0,)]
    assert advance_fill(shop, space).stage == "filled"
    with pytest.raises(Conflict, match="words is still being filled"):
        resume(shop, "words") and activate(shop, "words", patience=0)
    with pytest.raises(Conflict, match="not retired"):
        resume(shop, "words")
    # Whether it changed is seen by its hash: all are queued.
    assert advance_fill(shop, space).queued == 60
    fill(shop, space)
    assert find_space(shop, "words").state == "shadow"


def test_the_active_space_is_neither_retired_nor_dropped(shop: Database) -> None:
    for end in (retire, drop_space):
        with pytest.raises(Conflict, match="default is active: activate another one first"):
            end(shop, "default")


def test_what_is_named_wrongly_is_refused(shop: Database) -> None:
    with pytest.raises(InvalidInput, match="small letters"):
        create_space(shop, "Zwei", WORDS)
    with pytest.raises(Conflict, match="default already"):
        create_space(shop, "default", WORDS)
    with pytest.raises(NotFound, match="'two'; there are: default"):
        activate(shop, "two")


def test_a_half_dropped_space_is_dropped_by_the_next_call(shop: Database, new_space: NewSpace) -> None:
    space = new_space("words")
    retire(shop, "words")
    with shop.alone() as connection:
        connection.execute(f"ALTER TABLE product_embeddings DETACH PARTITION product_embeddings_{space.id}".encode())
    drop_space(shop, "words")
    assert [item.name for item in list_spaces(shop)] == ["default"]


def test_a_product_without_vectors_or_job_is_found_before_a_fill_ends(shop: Database) -> None:
    space = create_space(shop, "words", WORDS)
    advance_fill(shop, space)
    with shop.write() as connection:
        connection.execute("DELETE FROM embedding_jobs WHERE product_id = 5")
    embed(shop, space)
    step = advance_fill(shop, space)
    assert (step.stage, step.queued) == ("queueing", 1)
    fill(shop, space)
    assert ask(shop, "SELECT count_missing(%s, 1)", space.id) == [(0,)]


def test_what_a_worker_held_when_a_space_was_retired_is_embedded_anew_when_it_is_resumed(
    shop: Database, new_space: NewSpace
) -> None:
    space = new_space("words")
    queue = JobQueue(shop, "slow", lease_seconds=60)
    ask(shop, "UPDATE products SET title = 'before' WHERE sku IN ('S1', 'S2') RETURNING id")
    held = {lease.product_id: lease for lease in queue.claim_interactive(100) if lease.space_id == space.id}
    dead = held.pop(2)
    queue.fail(dead, "of the old text", delay=None)
    # What clears the jobs misses those of an edit that is under way.
    with shop.write() as connection:
        connection.execute("SELECT retire_space('words')")
    ask(shop, "UPDATE products SET title = 'after' WHERE sku IN ('S1', 'S2') RETURNING id")
    resume(shop, "words")
    advance_fill(shop, space)
    vector = np.ones(8, dtype=np.float32)
    late = [Result(lease, vector, None, vector, hash_texts(["before"]), None) for lease in held.values()]
    assert queue.store(space.id, late) == set()
    fill(shop, space)
    hashes = "SELECT DISTINCT text_hash FROM product_embeddings WHERE space_id = %s AND product_id <= 2"
    assert ask(shop, hashes, space.id) == [(hash_texts(["after"]),)]


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_product_that_is_deleted_while_it_is_queued_for_a_fill_drops_out(shop: Database, forgotten: bool) -> None:
    space = create_space(shop, "words", WORDS)
    if forgotten:
        advance_fill(shop, space)
        ask(shop, "DELETE FROM embedding_jobs WHERE product_id = 5 RETURNING product_id")
        embed(shop, space)
    else:
        # Begun before the other transaction, which it would wait for.
        ask(shop, "UPDATE embedding_spaces SET fill_horizon = pg_current_xact_id()::text::bigint RETURNING id")
    with psycopg.connect(shop.dsn) as other, ThreadPoolExecutor(1) as threads:
        other.execute("DELETE FROM products WHERE id = 5")
        filling = threads.submit(advance_fill, shop, space)
        wait_for_lock(shop)
        other.commit()
        assert filling.result().stage == ("filled" if forgotten else "queueing")
    fill(shop, space)
    assert ask(shop, "SELECT count(*) FROM product_embeddings WHERE space_id = %s", space.id) == [(59,)]


def wait_for_lock(database: Database) -> None:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    eventually(lambda: ask(database, waiting))


@pytest.mark.parametrize("waiting", [0, 150])
def test_an_activation_goes_on_though_the_worker_was_done_or_had_much_to_do_when_it_looked(
    shop: Database, new_space: NewSpace, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    """A product is missing; by the time of the look at the queue the worker has embedded it, or a bulk insert came."""
    space = new_space("words")
    with shop.write() as connection:
        connection.execute("DELETE FROM product_embeddings WHERE space_id = %s AND product_id = 3", [space.id])
        connection.execute("INSERT INTO embedding_jobs (product_id, space_id) VALUES (3, %s)", [space.id])
    count = life._count_waiting
    looks: list[int | None] = []

    def look(database: Database, name: object) -> int | None:
        if not looks:
            if waiting:
                insert(database, waiting, "bulk")
            else:
                embed(database, space)
        looks.append(count(database, name))
        return looks[-1]

    monkeypatch.setattr(life, "_count_waiting", look)
    assert activate(shop, "words", patience=30).state == "active"
    assert looks[0] == min(waiting, life.A_HANDFUL + 1)


def test_what_no_worker_will_mend_is_refused_soon(shop: Database, new_space: NewSpace) -> None:
    space = new_space("words")
    ask(shop, "DELETE FROM product_embeddings WHERE space_id = %s AND product_id = 3 RETURNING 1", space.id)
    began = time.monotonic()
    with pytest.raises(Conflict, match="lacks 1 product"):
        activate(shop, "words", patience=120)
    retire(shop, "words")
    with pytest.raises(Conflict, match="retired"):
        activate(shop, "words", patience=120)
    assert time.monotonic() - began < 60
