"""Spaces come, go and change places while others write, read and hold what they need."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from space_fixtures import WORDS, embed, fill, insert, new_space

from backend.database.connection import Database
from backend.errors import Conflict, Expired, ShelfmateError
from backend.spaces.dropping import drop_space
from backend.spaces.filling import advance_fill
from backend.spaces.inputs import hash_texts
from backend.spaces.life import activate, create_space, find_space, resume, retire, roll_back
from backend.spaces.space import Space, active_space, list_spaces
from tests.eventually import eventually

__all__ = ["new_space"]

NewSpace = Callable[[str], Space]

WRITERS = 6
PRODUCTS = 120
PHOTOGRAPH = (
    "INSERT INTO product_images (product_id, sha256, media_type, width, height, content)"
    " VALUES (%s, sha256(%s), 'image/jpeg', 1, 1, 'x')"
)


@pytest.fixture
def shop(database: Database) -> Database:
    """Products that the active space, made new, has embedded."""
    insert(database, PRODUCTS)
    space = create_space(database, "first", WORDS)
    fill(database, space)
    activate(database, "first")
    retire(database, "default")
    return database


def stale(database: Database, space: Space) -> list[Any]:
    """Products whose stored vectors are not of their present title, or that have none."""
    with database.primary() as connection:
        rows = connection.execute(
            "SELECT p.sku, p.title, e.text_hash FROM products p"
            " LEFT JOIN product_embeddings e ON e.product_id = p.id AND e.space_id = %s",
            [space.id],
        ).fetchall()
    return [row for row in rows if row[2] != hash_texts([row[1]])]


class Writer(threading.Thread):
    """Edits and inserts in transactions of any isolation that stay open for a while, half of them rolled back."""

    def __init__(self, dsn: str, number: int, stopping: threading.Event) -> None:
        super().__init__()
        self.dsn, self.number, self.stopping = dsn, number, stopping
        self.chance = random.Random(number)
        self.committed = 0
        self.failure: psycopg.Error | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self.dsn, autocommit=True) as connection:
                while not self.stopping.is_set():
                    self._transaction(connection)
        except psycopg.Error as error:
            self.failure = error

    def _transaction(self, connection: psycopg.Connection[Any]) -> None:
        level = self.chance.choice(["READ COMMITTED", "REPEATABLE READ"])
        try:
            with connection.transaction(force_rollback=self.chance.random() < 0.2):
                connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
                connection.execute("SELECT count(*) FROM categories")
                self._pause()
                for _ in range(self.chance.randrange(1, 4)):
                    self._edit(connection)
                    self._pause()
            self.committed += 1
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            return

    def _edit(self, connection: psycopg.Connection[Any]) -> None:
        # Every writer has products of its own, so that they do not wait for each other.
        title = f"edited {self.chance.random()}"
        if self.chance.random() < 0.7:
            sku = f"S{1 + self.number + WRITERS * self.chance.randrange(PRODUCTS // WRITERS)}"
            connection.execute("UPDATE products SET title = %s WHERE sku = %s", [title, sku])
        else:
            sku = f"W{self.number}-{self.chance.random()}"
            connection.execute("INSERT INTO products (sku, title) VALUES (%s, %s)", [sku, title])

    def _pause(self) -> None:
        time.sleep(self.chance.random() ** 3 * 0.4)


@pytest.mark.parametrize("born", ["created", "resumed"])
def test_no_edit_is_lost_that_was_in_flight_when_a_space_was_made(shop: Database, born: str) -> None:
    stopping = threading.Event()
    writers = [Writer(shop.dsn, number, stopping) for number in range(WRITERS)]
    if born == "resumed":
        create_space(shop, "words", WORDS)
        fill(shop, find_space(shop, "words"))
        retire(shop, "words")
    for writer in writers:
        writer.start()
    time.sleep(0.5)
    space = create_space(shop, "words", WORDS) if born == "created" else resume(shop, "words")

    def is_filled() -> bool:
        embed(shop, space)
        return advance_fill(shop, space).stage == "filled"

    eventually(is_filled, 150)
    eventually(lambda: sum(writer.committed for writer in writers) > 10)
    stopping.set()
    for writer in writers:
        writer.join()
    assert [writer.failure for writer in writers] == [None] * WRITERS
    embed(shop, space)
    assert stale(shop, space) == []


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_a_photograph_in_flight_is_queued_for_a_space_made_meanwhile(shop: Database, level: str) -> None:
    with shop.alone() as other:
        with other.transaction():
            other.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
            other.execute(PHOTOGRAPH, [7, "x"])
            space = create_space(shop, "words", WORDS)
            step = advance_fill(shop, space)
            assert step.stage == "waiting"
            assert [blocker.pid for blocker in step.blockers] == [other.info.backend_pid]
            with shop.primary() as connection:
                seen = "SELECT count(*) FROM embedding_jobs WHERE product_id = 7 AND space_id = %s"
                assert connection.execute(seen, [space.id]).fetchone() == (0,)
        advance_fill(shop, space)
        assert other.execute(seen, [space.id]).fetchone() == (1,)


def test_who_holds_products_open_for_writing_is_waited_for_and_named(shop: Database) -> None:
    said: list[str] = []
    with shop.alone() as other:
        with other.transaction():
            other.execute("UPDATE products SET title = 'held' WHERE sku = 'S1'")
            with pytest.raises(Conflict, match=f"process {other.info.backend_pid} of .* has products open for writing"):
                create_space(shop, "words", WORDS, patience=0.3, report=said.append)
            # Between two tries others write.
            with shop.write() as connection:
                connection.execute("UPDATE products SET title = 'not held up' WHERE sku = 'S2'")
            making = threading.Thread(target=create_space, args=(shop, "words", WORDS))
            making.start()
            time.sleep(0.3)
        making.join(60)
    assert said
    assert said[0].startswith("waiting for process")
    assert find_space(shop, "words").state == "building"


def test_several_processes_make_one_space_of_a_name(shop: Database) -> None:
    def make(_number: int) -> str:
        try:
            return create_space(shop, "words", WORDS).name
        except Conflict as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(make, range(4)))
    assert sum(outcome == "words" for outcome in outcomes) == 1
    assert all("there is an embedding space words already" in outcome for outcome in outcomes if outcome != "words")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: create_space(shop, f"space{number}", WORDS), range(4)))
    assert len({space.id for space in made}) == 4


def test_several_processes_fill_one_space(shop: Database) -> None:
    space = create_space(shop, "words", WORDS)
    with ThreadPoolExecutor(4) as pool:
        steps = list(pool.map(lambda _: advance_fill(shop, space), range(12)))
    assert sum(step.queued for step in steps) == PRODUCTS
    assert {step.stage for step in steps} <= {"queueing", "embedding", "busy"}


def test_activation_under_load_is_quick_and_no_answer_is_of_two_spaces(shop: Database, new_space: NewSpace) -> None:
    new_space("words")
    names = {"first": 2, "words": find_space(shop, "words").id}
    stopping = threading.Event()
    failures: list[str] = []
    asked = [0]

    def read() -> None:
        question = (
            "SELECT space, space_id, (SELECT array_agg(DISTINCT i->>'source') FROM jsonb_array_elements(frozen) i)"
            """ FROM first_page('{"like": [{"sku": "S5"}], "k": 5}')"""
        )
        with psycopg.connect(shop.dsn, autocommit=True) as connection:
            while not stopping.is_set():
                try:
                    found = connection.execute("SELECT DISTINCT space FROM similar_products('S3', 10)").fetchall()
                    page = connection.execute(question).fetchone()
                    connection.execute("SELECT count(*) FROM active_embeddings")
                except psycopg.Error as error:
                    failures.append(str(error))
                    return
                asked[0] += 1
                if len(found) != 1 or page is None or names[page[0]] != page[1]:
                    failures.append(f"{found} {page}")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    took = []
    for _ in range(10):
        for change in (lambda: activate(shop, "words"), lambda: roll_back(shop)):
            began = time.perf_counter()
            change()
            took.append(time.perf_counter() - began)
            time.sleep(0.02)
    eventually(lambda: failures or asked[0] > 20)
    stopping.set()
    for reader in readers:
        reader.join()
    assert failures == []
    # The middle one: a machine that stands still for a moment holds one up, a lock that readers keep every one.
    assert sorted(took)[len(took) // 2] < 1
    assert active_space(shop).name == "first"


def test_an_activation_gives_up_soon_while_the_view_is_read_and_names_the_reader(
    shop: Database, new_space: NewSpace
) -> None:
    new_space("words")
    with shop.alone() as analyst:
        analyst.execute("SET ROLE analyst")
        with analyst.transaction():
            analyst.execute("SELECT count(*) FROM active_embeddings")
            with pytest.raises(
                Conflict, match=f"process {analyst.info.backend_pid} .*idle in its transaction"
            ) as caught:
                activate(shop, "words", patience=0.4)
            assert "pg_terminate_backend" in str(caught.value)
            assert active_space(shop).name == "first"
            # Others ask meanwhile, also through the view.
            with shop.primary() as connection:
                assert connection.execute("SELECT count(*) FROM active_embeddings").fetchone() == (PRODUCTS,)
            waiting = threading.Thread(target=activate, args=(shop, "words"))
            waiting.start()
            time.sleep(0.3)
        waiting.join(60)
    assert active_space(shop).name == "words"


def test_a_space_is_dropped_while_a_worker_holds_its_jobs_and_readers_ask_others(
    shop: Database, new_space: NewSpace
) -> None:
    space = new_space("words")
    with shop.write() as connection:
        connection.execute("UPDATE products SET title = title || ' again'")
        connection.execute(
            "UPDATE embedding_jobs SET state = 'leased', lease_token = 1, leased_until = now() + interval '1 minute'"
        )
    stopping = threading.Event()
    failures: list[str] = []
    waits: list[float] = []

    def ask() -> None:
        with psycopg.connect(shop.dsn, autocommit=True) as connection:
            while not stopping.is_set():
                began = time.perf_counter()
                try:
                    connection.execute("SELECT * FROM similar_products('S3', 10)").fetchall()
                    connection.execute("UPDATE products SET price = 5 WHERE sku = 'S9'")
                except psycopg.Error as error:
                    failures.append(str(error))
                waits.append(time.perf_counter() - began)

    readers = [threading.Thread(target=ask) for _ in range(3)]
    for reader in readers:
        reader.start()
    drop_space(shop, "words")
    stopping.set()
    for reader in readers:
        reader.join()
    assert failures == []
    # The lock that the drop may wait for is given up after 5 s.
    assert max(waits) < 4
    assert "words" not in [item.name for item in list_spaces(shop)]
    with shop.primary() as connection:
        left = connection.execute("SELECT count(*) FROM embedding_jobs WHERE space_id = %s", [space.id]).fetchone()
    assert left == (0,)


def test_a_query_made_for_a_space_is_not_answered_by_another_of_its_name(shop: Database, new_space: NewSpace) -> None:
    before = new_space("words")
    query = f'{{"like": [{{"vector": {{"text": [1,0,0,0,0,0,0,0]}}}}], "space": "{before.reference}"}}'
    with shop.primary() as connection:
        found = connection.execute("SELECT DISTINCT space FROM recommend(%s)", [query]).fetchall()
        assert found == [("words",)]
    drop_space(shop, "words")
    new_space("words")
    with (
        pytest.raises(Expired, match="the embedding space words that this query was made for is gone"),
        shop.primary() as c,
    ):
        c.execute("SELECT * FROM recommend(%s)", [query])


def test_a_list_frozen_from_a_dropped_space_has_expired(shop: Database, new_space: NewSpace) -> None:
    space = new_space("words")
    with shop.primary() as connection:
        row = connection.execute(
            "INSERT INTO recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)"
            """ VALUES ('recommendation', %s, '{"like": [{"sku": "S1"}]}', '{}', '[]', 'exact', false, now() + '1 h')"""
            " RETURNING id",
            [space.id],
        ).fetchone()
    drop_space(shop, "words")
    new_space("words")
    assert row is not None
    with pytest.raises(ShelfmateError) as caught, shop.primary() as connection:
        connection.execute("SELECT * FROM page_recommendation(%s)", [row[0]])
    assert isinstance(caught.value, Expired)
