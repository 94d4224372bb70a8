"""Two spaces of one planted catalogue compared, every figure reckoned a second time from the stored halves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pytest
from ranking_oracle import CREATE_SPACE, DIMENSIONS, Array, Vectors
from small_catalogue import fresh_database

from backend.database.connection import Database
from backend.errors import InvalidInput, NotFound, NotReady
from backend.evaluation.compare import Comparison, compare
from backend.evaluation.quality import Quality
from backend.evaluation.table import rows

COUNT = 260
K = 10
# Of the other space's products, every so many-th is not there.
MISSING = 13


@dataclass
class Stored:
    """What one space holds, as numpy sees it: row n is product n + 1, absent ones and modalities are zeros."""

    fused: Array
    text: Array
    image: Array
    held: Array

    def answer(self, product: int, k: int, method: str = "fused") -> list[int] | None:
        """The ids of the k best, best first, ties by id; by brute force."""
        block = {"fused": self.fused, "text alone": self.text, "image alone": self.image}[method]
        if not self.held[product - 1] or not block[product - 1].any():
            return None
        scores = (block * block[product - 1]).sum(axis=1)
        others = [number for number in range(1, COUNT + 1) if self.held[number - 1] and number != product]
        return sorted(others, key=lambda number: (-round(scores[number - 1], 7), number))[:k]


@pytest.fixture(scope="module")
def database(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Products in categories and variant groups, bought by users, in two spaces of different vectors and one empty."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (opened, _):
        which = np.arange(COUNT) % 4
        with opened.write() as connection:
            for number in range(1, COUNT + 1):
                # Product 7's category and product 8's group have no other member; every ninth has neither.
                category = "Alone" if number == 7 else None if number % 9 == 0 else f"Kinds/K{number % 4}"
                group = "alone" if number == 8 else f"G{number // 3}" if number % 5 and number > 20 else None
                connection.execute(
                    "INSERT INTO products (id, sku, title, category, variant_group) VALUES (%s, %s, 'T', %s, %s)",
                    [number, f"S{number}", category, group],
                )
            for user in range(40):
                for product in {1 + (7 * user + step * step) % COUNT for step in range(1 + user % 5)}:
                    connection.execute(
                        "INSERT INTO events (user_id, product_id, kind) VALUES (%s, %s, %s)",
                        [f"u{user}", product, "purchase" if user % 8 else "view"],
                    )
            spaces = {}
            for name, seed in (("one", 3), ("other", 4), ("empty", 5)):
                statement = CREATE_SPACE.replace("'uneven'", f"'{name}'")
                spaces[name] = (connection.execute(statement.encode()).fetchone() or (0,))[0]
                if name != "empty":
                    Vectors.clustered(which, seed, clusters=12).store(connection, spaces[name])
            connection.execute(
                "DELETE FROM product_embeddings WHERE space_id = %s AND product_id %% %s = 0",
                [spaces["other"], MISSING],
            )
            connection.execute("DELETE FROM embedding_jobs")
        with opened.alone() as connection:
            connection.execute("VACUUM ANALYZE")
        yield opened


@pytest.fixture(scope="module")
def compared(database: Database) -> Comparison:
    """The comparison of all products, so that nothing depends on what the sample drew."""
    return compare(database, "one", "other", sample=COUNT, k=K, seed=0)


@pytest.fixture(scope="module")
def stored(database: Database) -> dict[str, Stored]:
    found = {}
    for name in ("one", "other"):
        blocks: dict[str, Array] = {
            block: np.zeros((COUNT, size)) for block, size in {"fused": 40, **DIMENSIONS}.items()
        }
        held = np.zeros(COUNT, dtype=bool)
        with database.read() as connection:
            for product_id, fused, text, image in connection.execute(
                "SELECT e.product_id, e.fused, e.text, e.image FROM product_embeddings e"
                " JOIN embedding_spaces s ON s.id = e.space_id WHERE s.name = %s",
                [name],
            ):
                held[product_id - 1] = True
                for block, value in (("fused", fused), ("text", text), ("image", image)):
                    if value is not None:
                        blocks[block][product_id - 1] = value.to_numpy()
        # Alone, a modality is ranked by its part of the fused vector, which is what the function reads.
        text, image = np.split(blocks["fused"], [DIMENSIONS["text"]], axis=1)
        found[name] = Stored(blocks["fused"], text * blocks["text"].any(axis=1)[:, None], image, held)
    return found


def held_by_both(stored: dict[str, Stored]) -> list[int]:
    return [number for number in range(1, COUNT + 1) if all(one.held[number - 1] for one in stored.values())]


def quality(compared: Comparison, start: str, method: str) -> Quality:
    [found] = [item for item in compared.quality if item.evaluation_set.startswith(start) and item.method == method]
    return found


def catalogue(database: Database) -> dict[int, tuple[str | None, str | None]]:
    with database.read() as connection:
        return {row[0]: row[1:] for row in connection.execute("SELECT id, category, variant_group FROM products")}


def expected(
    questions: list[tuple[int, set[int]]], stored: dict[str, Stored], method: str, k: int, precision: bool
) -> tuple[list[float], list[float], int]:
    """The scores of both spaces question by question, and how many questions have no answer in one of them."""
    scores: tuple[list[float], list[float]] = ([], [])
    left_out = 0
    for product, right in questions:
        answers = [one.answer(product, k, method) for one in stored.values()]
        if any(answer is None for answer in answers):
            left_out += 1
            continue
        for answer, values in zip(answers, scores, strict=True):
            values.append(len(right.intersection(answer or [])) / (k if precision else len(right)))
    return (*scores, left_out)


def check(found: Quality, scores: tuple[list[float], list[float], int]) -> None:
    a, b, left_out = scores
    assert found.left_out == left_out
    assert found.a is not None
    assert found.b is not None
    assert found.difference is not None
    assert found.a.n == found.b.n == found.difference.n == len(a)
    assert (found.a.mean, found.b.mean) == pytest.approx((np.mean(a), np.mean(b)), abs=1e-9)
    assert found.difference.mean == pytest.approx(np.mean(b) - np.mean(a), abs=1e-9)
    assert found.a.low <= found.a.mean <= found.a.high
    assert found.difference.low <= found.difference.mean <= found.difference.high


@pytest.mark.parametrize("method", ["fused", "text alone", "image alone"])
def test_same_category_is_what_brute_force_says(
    database: Database, compared: Comparison, stored: dict[str, Stored], method: str
) -> None:
    both, products = held_by_both(stored), catalogue(database)
    questions = []
    for number in both:
        category = products[number][0]
        right = {other for other in products if products[other][0] == category and other != number}
        if category is not None and right.intersection(both):
            questions.append((number, right))
    assert 7 not in dict(questions)
    check(quality(compared, "same category", method), expected(questions, stored, method, 5, precision=True))


@pytest.mark.parametrize("method", ["fused", "text alone", "image alone"])
def test_variants_are_what_brute_force_says(
    database: Database, compared: Comparison, stored: dict[str, Stored], method: str
) -> None:
    both, products = held_by_both(stored), catalogue(database)
    questions = []
    for number in both:
        group = products[number][1]
        right = {other for other in both if group and products[other][1] == group and other != number}
        if right:
            questions.append((number, right))
    assert 8 not in dict(questions)
    check(quality(compared, "variants", method), expected(questions, stored, method, K, precision=False))


def test_bought_together_is_what_brute_force_says(
    database: Database, compared: Comparison, stored: dict[str, Stored]
) -> None:
    both = set(held_by_both(stored))
    with database.read() as connection:
        bought = connection.execute(
            "SELECT DISTINCT user_id, product_id FROM events WHERE kind = 'purchase'"
        ).fetchall()
    baskets: dict[str, set[int]] = {}
    for user, product in bought:
        if product in both:
            baskets.setdefault(user, set()).add(product)
    questions = [(product, basket - {product}) for basket in baskets.values() if len(basket) > 1 for product in basket]
    check(quality(compared, "bought together", "fused"), expected(questions, stored, "fused", K, precision=False))


def test_chance_is_the_share_that_is_right(compared: Comparison, stored: dict[str, Stored]) -> None:
    found = quality(compared, "variants", "random")
    assert found.a is not None
    assert found.a.mean == pytest.approx(K / (len(held_by_both(stored)) - 1))
    assert found.difference is None


def test_overlap_and_recall_are_what_brute_force_says(compared: Comparison, stored: dict[str, Stored]) -> None:
    both = held_by_both(stored)
    pairs = [tuple(one.answer(number, K) or [] for one in stored.values()) for number in both]
    assert compared.overlap is not None
    assert compared.overlap.mean == pytest.approx(np.mean([len({*x} & {*y}) / K for x, y in pairs]))
    assert compared.left_out == 0
    for side in (compared.a, compared.b):
        assert side.recall is not None
        # Without an index every answer is exact.
        assert (side.recall.mean, side.recall.n, side.ann) == (1, len(both), 0)
        assert 0 < side.p50 <= side.p95
    assert (compared.a.fill.embedded, compared.b.fill.embedded) == (COUNT, COUNT - COUNT // MISSING)


def test_sizes_are_those_of_the_relations(database: Database, compared: Comparison) -> None:
    with database.read() as connection:
        for side in (compared.a, compared.b):
            row = connection.execute(
                "SELECT pg_table_size(t), pg_indexes_size(t) FROM (SELECT 'product_embeddings_' || id AS name"
                " FROM embedding_spaces WHERE name = %s) s, to_regclass(s.name) t",
                [side.name],
            ).fetchone()
            assert row is not None
            table, indexes = row
            assert side.size.products == side.fill.embedded
            assert side.size.rows > side.size.products * side.size.fused_value
            # Main file and TOAST, but for the maps of free and visible room.
            assert 0 <= table - side.size.rows - side.size.out_of_line <= 5 * 8192
            assert side.size.key <= indexes
            assert side.size.fused_index == 0


def test_an_index_is_asked_and_weighed(database: Database) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        row = connection.execute("SELECT id FROM embedding_spaces WHERE name = 'other'").fetchone()
        assert row is not None
        name = f"product_embeddings_{row[0]}"
        index = f"CREATE INDEX {name}_fused_hnsw ON shelfmate.{name} USING hnsw ((fused::halfvec(40)) halfvec_ip_ops)"
        connection.execute(index.encode())
        try:
            side = compare(database, "one", "other", sample=40).b
            [[size]] = connection.execute("SELECT pg_relation_size(%s::regclass)", [f"{name}_fused_hnsw"]).fetchall()
        finally:
            connection.execute(f"DROP INDEX shelfmate.{name}_fused_hnsw".encode())
    # Where a graph of so few is in doubt, the planner sorts.
    assert 0.5 <= side.ann <= 1
    assert side.recall is not None
    assert 0.9 <= side.recall.mean <= 1
    assert side.size.fused_index == size
    assert side.size.row_and_index == pytest.approx((side.size.rows + size) / side.size.products)


def test_the_same_seed_asks_the_same(database: Database) -> None:
    def measured(seed: int) -> list[Any]:
        found = compare(database, "one", "other", sample=30, seed=seed)
        return [found.overlap, found.quality]

    assert measured(1) == measured(1)
    assert measured(1) != measured(2)


def test_it_can_be_shown_and_sent(compared: Comparison) -> None:
    document = json.loads(json.dumps(compared.as_dict()))
    assert document["b"]["name"] == "other"
    assert document["quality"][0]["difference"]["mean"] == compared.quality[0].difference.mean  # type: ignore[union-attr]  # It is there: the assertion would fail.
    assert document["a"]["size"]["row_and_index_bytes_per_product"] > 0
    head, found = rows(compared)
    assert head == ["", "one", "other", "other less one"]
    assert all(len(row) == 4 for row in found)
    names = [row[0] for row in found]
    for start in (
        "overlap@10",
        "same category, P@5: fused",
        "variants, recall@10: random",
        "p50 ms",
        "bytes a product",
    ):
        assert any(name.startswith(start) for name in names)
    assert any("left out" in name for name in names if name.startswith("same category, P@5: image alone"))


def test_progress_is_told(database: Database) -> None:
    told: list[str] = []
    compare(database, "one", "other", sample=3, report=told.append)
    assert len(told) == 4
    assert "same category, P@5" in told[-1]


def test_what_cannot_be_compared_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInput, match="two different"):
        compare(database, "one", "one")
    with pytest.raises(NotFound, match="nowhere"):
        compare(database, "one", "nowhere")
    with pytest.raises(NotReady, match="empty"):
        compare(database, "one", "empty")
    for field, value in (("sample", 0), ("k", 101)):
        with pytest.raises(InvalidInput, match=field) as caught:
            compare(database, "one", "other", **{field: value})
        assert caught.value.field == field
