"""The checker finds what it is there to find: each thing that must never happen is planted, and must be told."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from backend.database.connection import with_search_path
from tests.chaos import audit, spaces
from tests.chaos.checker import check_operations, check_state
from tests.chaos.content import ONE, RECIPES, TWO, Content, Recipe
from tests.chaos.history import Change, Operation
from tests.chaos.readers import Answer, check_answers
from tests.chaos.replay import Replay
from tests.chaos.verdict import Verdict


class Bench:
    """A database with the triggers, products, and a worker of the test's own that can be made to do wrong."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection
        self.verdict = Verdict()
        self.replay = Replay(RECIPES, self.verdict)

    def insert(self, sku: str, title: str) -> int:
        query = "INSERT INTO products (sku, title) VALUES (%s, %s) RETURNING id"
        return int(self.connection.execute(query, [sku, title]).fetchone()[0])  # type: ignore[index]  # INSERT returns a row.

    def edit(self, product_id: int, title: str) -> None:
        self.connection.execute("UPDATE products SET title = %s WHERE id = %s", [title, product_id])

    def claim(self, product_id: int, token: int, app: str = "worker-1", space_id: int = 1) -> None:
        self._call_itself(app)
        self.connection.execute(
            "UPDATE embedding_jobs"
            " SET state = 'leased', lease_token = %s, worker = %s, leased_until = now() + interval '9 s'"
            " WHERE product_id = %s AND space_id = %s",
            [token, app, product_id, space_id],
        )

    def store(
        self, product_id: int, title: str, app: str = "worker-1", recipe: Recipe = ONE, space_id: int = 1
    ) -> None:
        """Store what the title gives, and end the job, whoever holds it."""
        self._call_itself(app)
        vector = recipe.vector(Content("", title))
        text = vector[: recipe.dimensions[0]]
        values = [str((text / recipe.text_weight**0.5).tolist()), str(vector.tolist()), product_id, space_id]
        with self.connection.transaction():
            self.connection.execute(
                "INSERT INTO product_embeddings (text, fused, product_id, space_id) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (product_id, space_id) DO UPDATE SET text = excluded.text, fused = excluded.fused",
                values,
            )
            self.connection.execute("DELETE FROM embedding_jobs WHERE product_id = %s AND space_id = %s", values[2:])

    def embed(self, product_id: int, title: str, token: int) -> None:
        """As it should be, in both spaces."""
        for space_id, recipe in ((1, ONE), (2, TWO)):
            self.claim(product_id, token, space_id=space_id)
            self.store(product_id, title, recipe=recipe, space_id=space_id)

    def unseen(self, query: str, *values: object) -> None:
        """Change something without any trigger."""
        with self.connection.transaction():
            self.connection.execute("SET LOCAL session_replication_role = replica")
            self.connection.execute(query, values)

    def found(self) -> set[str]:
        """The kinds of violations so far."""
        self.replay.feed(audit.take(self.connection))
        check_state(self.connection, self.replay, self.verdict)
        return set(self.verdict.counts)

    def _call_itself(self, app: str) -> None:
        self.connection.execute("SELECT set_config('application_name', %s, false)", [app])


@pytest.fixture(scope="module")
def connection(server_dsn: str, template: str) -> Iterator["psycopg.Connection[Any]"]:
    name = f"chaos_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        dsn = with_search_path(make_conninfo(server_dsn, dbname=name))
        with psycopg.connect(dsn, autocommit=True) as connection:
            audit.install(connection)
            spaces.create(connection, ONE)
            spaces.create(connection, TWO)
            yield connection
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def bench(connection: "psycopg.Connection[Any]") -> Bench:
    connection.execute("TRUNCATE products RESTART IDENTITY CASCADE")
    bench = Bench(connection)
    connection.execute("UPDATE embedding_spaces SET state = 'building' WHERE id = 2")
    connection.execute("TRUNCATE public.chaos_ops, public.chaos_events")
    bench.replay.spaces = {1: ("one", "active"), 2: ("two", "building")}
    bench.replay.names = {1: "one", 2: "two"}
    for number in (1, 2):
        bench.embed(bench.insert(f"S{number}", f"red boot {number}"), f"red boot {number}", token=number)
    assert bench.found() == set()
    return bench


def test_work_done_well_is_accepted(bench: Bench) -> None:
    bench.edit(1, "blue dress")
    bench.embed(1, "blue dress", token=3)
    bench.connection.execute("DELETE FROM products WHERE id = 2")
    assert bench.found() == set()


def test_jobs_of_a_retired_space_may_be_cleared_away(bench: Bench) -> None:
    bench.edit(1, "blue dress")
    bench.claim(1, token=3, space_id=2)
    bench.connection.execute("UPDATE embedding_spaces SET state = 'retired' WHERE id = 2")
    bench.connection.execute("SET application_name = 'admin'")
    bench.connection.execute("DELETE FROM embedding_jobs WHERE space_id = 2")
    bench.claim(1, token=3)
    bench.store(1, "blue dress")
    assert bench.found() == set()
    bench.connection.execute("UPDATE embedding_spaces SET state = 'shadow' WHERE id = 2")
    assert bench.found() == {"stale"}


def test_a_lost_job_is_found(bench: Bench) -> None:
    bench.insert("S3", "green scarf")
    bench.unseen("DELETE FROM embedding_jobs")
    assert bench.found() == {"lost"}


def test_a_job_that_is_never_done_is_found(bench: Bench) -> None:
    bench.insert("S3", "green scarf")
    assert bench.found() == {"lost"}


def test_an_edit_that_was_never_queued_is_found(bench: Bench) -> None:
    bench.unseen("UPDATE products SET title = 'green scarf' WHERE id = 1")
    # The trigger saw nothing, so that the record and the table differ too.
    assert bench.found() == {"lost"}
    bench.edit(1, "silk scarf")
    bench.unseen("DELETE FROM embedding_jobs")
    assert "stale" in bench.found()


def test_an_old_vector_is_found_when_it_is_stored_even_if_it_is_mended_later(bench: Bench) -> None:
    bench.edit(1, "blue dress")
    bench.claim(1, token=3)
    bench.store(1, "red boot 1 as it was")
    bench.edit(1, "blue dress again")
    bench.embed(1, "blue dress again", token=4)
    # The second space's vector of the edit between is not stored by anybody, which is right.
    assert bench.found() == {"stale"}


def test_an_old_vector_of_one_block_is_found(bench: Bench) -> None:
    bench.unseen(
        "UPDATE product_embeddings"
        " SET text = (SELECT text FROM product_embeddings WHERE product_id = 2 AND space_id = 1)"
        " WHERE product_id = 1 AND space_id = 1"
    )
    assert bench.found() == {"stale"}


def test_a_block_that_lacks_a_review_is_found(bench: Bench) -> None:
    bench.connection.execute(
        "INSERT INTO reviews (product_id, rating, title, fingerprint) VALUES (1, 5, 'Fits well', 'x')"
    )
    bench.claim(1, token=3, space_id=2)
    bench.store(1, "red boot 1", recipe=TWO, space_id=2)
    # Nor is it another vector than before.
    assert bench.found() == {"stale", "doubled"}


def test_a_vector_of_a_deleted_review_is_found(bench: Bench) -> None:
    bench.unseen(
        "INSERT INTO review_embeddings (product_id, review_id, space_id, embedding, text_hash)"
        " VALUES (1, 99, 2, array_fill(1, ARRAY[56])::vector::halfvec, 'x')"
    )
    assert bench.found() == {"stale"}
    bench.unseen("DELETE FROM review_embeddings")


def test_a_double_store_is_found(bench: Bench) -> None:
    bench.connection.execute("INSERT INTO embedding_jobs (product_id, space_id) VALUES (1, 1)")
    bench.claim(1, token=3)
    bench.store(1, "red boot 1")
    assert bench.found() == {"doubled"}


def test_a_store_without_a_job_is_found(bench: Bench) -> None:
    bench.store(1, "red boot")
    assert "unfenced" in bench.found()


def test_a_store_under_the_lease_of_another_is_found(bench: Bench) -> None:
    bench.edit(1, "blue dress")
    for space_id, recipe in ((1, ONE), (2, TWO)):
        bench.claim(1, token=3, app="worker-2", space_id=space_id)
        bench.store(1, "blue dress", app="worker-1", recipe=recipe, space_id=space_id)
    assert bench.found() == {"unfenced"}


def test_a_lease_taken_while_it_is_alive_is_found(bench: Bench) -> None:
    bench.edit(1, "blue dress")
    bench.claim(1, token=3, app="worker-2")
    bench.embed(1, "blue dress", token=4)
    assert bench.found() == {"unfenced"}


def test_a_vector_of_a_deleted_product_is_found(bench: Bench) -> None:
    bench.unseen("DELETE FROM products WHERE id = 1")
    # The record does not show it, so that the product is missing too.
    assert bench.found() == {"lost", "stale"}


def _operation(outcome: str, kind: str = "title", **change: Any) -> Operation:
    return Operation(1, kind, 0.0, outcome=outcome, changes=[Change("S1", **change)] if change else [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statements", "operation", "kinds"),
    [
        (["UPDATE products SET title = 'a' WHERE id = 1"], _operation("committed", title="a"), set()),
        (["UPDATE products SET title = 'a' WHERE id = 1"], _operation("unknown", title="a"), set()),
        (["UPDATE products SET title = 'a' WHERE id = 1"], _operation("committed", title="b"), {"lost"}),
        (["UPDATE products SET title = 'a' WHERE id = 1"], _operation("rolled back", title="a"), {"lost"}),
        (["UPDATE products SET price = 1 WHERE id = 1"], _operation("committed", "price"), set()),
        (["UPDATE products SET price = 1, title = 'a' WHERE id = 1"], _operation("committed", "price"), {"noisy"}),
        (["DELETE FROM products WHERE id = 1"], _operation("committed", deleted=True), set()),
        ([], _operation("committed", "price"), {"lost"}),
    ],
)
def test_what_clients_were_told_is_compared(
    bench: Bench, statements: list[str], operation: Operation, kinds: set[str]
) -> None:
    for statement in statements:
        with bench.connection.transaction():
            bench.connection.execute("INSERT INTO public.chaos_ops (id) VALUES (1)")
            bench.connection.execute(statement)
    check_operations({1: operation}, audit.operations(bench.connection), audit.take(bench.connection), bench.verdict)
    assert set(bench.verdict.counts) == kinds


def test_an_answer_of_two_spaces_is_found(bench: Bench) -> None:
    scores = {}
    for space in ("one", "two"):
        query = "SELECT product_id, score FROM similar_products('S1', 10, space => %s)"
        ((product_id, scores[space]),) = bench.connection.execute(query, [space]).fetchall()

    def check(*of: str) -> set[str]:
        answer = Answer("similar_products", "S1", 0.0, 1e12, of[0], [(product_id, scores[space]) for space in of])
        check_answers([answer], bench.replay, bench.verdict)
        return set(bench.verdict.counts)

    assert check("one", "one") == set()
    assert check("two", "two") == set()
    assert check("one", "two") == {"mixed"}


def test_an_answer_without_items_is_found(bench: Bench) -> None:
    check_answers([Answer("similar_products", "S1", 0.0, 1e12, "one", [])], bench.replay, bench.verdict)
    assert set(bench.verdict.counts) == {"empty"}
