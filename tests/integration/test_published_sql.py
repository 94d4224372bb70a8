"""The published functions against numpy over the same stored vectors, and their errors."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_catalogue import drain, fresh_database, insert_products

from backend.database.connection import Database
from backend.spaces.fusion import fuse

Array = NDArray[Any]

EXACT = "SELECT product_id, score, text, image, reviews, category, price, in_stock, mode FROM similar_products_exact"
# A score is added up in single precision by the server; halves have 11 significant bits.
SUMMED = 1e-6
HALF = 2.0**-11

few = hypothesis_settings(max_examples=40, deadline=None)
weight = st.just(0.0) | st.floats(0.01, 10)


@dataclass(frozen=True)
class Stored:
    """What the server holds: ids ascending, halves as float16, zero rows where a block is missing."""

    ids: Array
    skus: list[str]
    text: Array
    image: Array
    fused: Array

    def query(self, row: int, w_text: float | None, w_image: float | None) -> Array:
        """What stored vectors are multiplied with: the product's own, each block times its weight over the space's."""
        if w_text is None and w_image is None:
            own: Array = self.fused[row]
            return own
        text, image = np.split(self.fused[row].astype(np.float64), 2)
        return np.concatenate([text * (w_text or 0.0) / 0.5, image * (w_image or 0.0) / 0.5])


@pytest.fixture(scope="module")
def catalogue(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The small catalogue, embedded; tests of this module only read it."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, settings):
        insert_products(database)
        assert drain(database, settings) == 315
        yield database


@pytest.fixture(scope="module")
def stored(catalogue: Database) -> Stored:
    with catalogue.read() as connection:
        rows = connection.execute(
            "SELECT product_id, sku, text, image, fused FROM active_embeddings ORDER BY product_id"
        ).fetchall()

    def column(index: int) -> Array:
        return np.stack([np.zeros(64, np.float16) if row[index] is None else row[index].to_numpy() for row in rows])

    fused = np.stack([row[4].to_numpy() for row in rows])
    return Stored(np.array([row[0] for row in rows]), [row[1] for row in rows], column(2), column(3), fused)


def ask(database: Database, arguments: str, *values: object) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return connection.execute(f"{EXACT}({arguments})".encode(), values).fetchall()


def assert_same_ranking(answer: list[tuple[Any, ...]], ids: Array, scores: Array, k: int, tolerance: float) -> None:
    """The k best of ``scores``; where two differ by less than the tolerance, either may come first."""
    best = np.argsort(-scores, kind="stable")[:k]
    assert len(answer) == len(best)
    found = np.array([row[1] for row in answer])
    np.testing.assert_allclose(found, scores[best], atol=tolerance, rtol=0)
    by_id = dict(zip(ids.tolist(), scores.tolist(), strict=True))
    assert len({row[0] for row in answer}) == len(answer)
    np.testing.assert_allclose(found, [by_id[row[0]] for row in answer], atol=tolerance, rtol=0)


def inner(vectors: Array, query: Array) -> Array:
    product: Array = vectors.astype(np.float64) @ query.astype(np.float64)
    return product


def test_the_catalogue_has_missing_modalities_and_ties(stored: Stored) -> None:
    assert 0 < (~stored.image.any(axis=1)).sum() < 100
    assert len(np.unique(stored.fused, axis=0)) < len(stored.fused)


def test_exact_is_numpy_for_every_product(catalogue: Database, stored: Stored) -> None:
    for row, sku in enumerate(stored.skus):
        others = np.arange(len(stored.ids)) != row
        answer = ask(catalogue, "%s, 10", sku)
        assert_same_ranking(answer, stored.ids[others], inner(stored.fused[others], stored.fused[row]), 10, SUMMED)


@few
@given(row=st.integers(0, 314), w_text=weight | st.none(), w_image=weight | st.none(), k=st.integers(1, 1000))
def test_exact_is_numpy_for_any_weights(
    catalogue: Database, stored: Stored, row: int, w_text: float | None, w_image: float | None, k: int
) -> None:
    if (w_text, w_image) != (None, None) and not (w_text or w_image):
        w_text = 1.0
    others = np.arange(len(stored.ids)) != row
    query = stored.query(row, w_text, w_image)
    answer = ask(catalogue, "%s, %s::int, w_text => %s, w_image => %s", stored.skus[row], k, w_text, w_image)
    scores = inner(stored.fused[others], query)
    assert_same_ranking(answer, stored.ids[others], scores, k, SUMMED * max(1, (w_text or 0) + (w_image or 0)))


@few
@given(row=st.integers(0, 314), w_text=weight, w_image=weight)
@example(row=8, w_text=0.0, w_image=1.0)  # Without a photograph: every score is 0.
def test_the_score_is_the_weighted_sum_of_cosines(
    catalogue: Database, stored: Stored, row: int, w_text: float, w_image: float
) -> None:
    if not (w_text or w_image):
        w_image = 1.0
    others = np.arange(len(stored.ids)) != row
    expected = w_text * inner(stored.text[others], stored.text[row]) + w_image * inner(
        stored.image[others], stored.image[row]
    )
    answer = ask(catalogue, "%s, 1000, w_text => %s, w_image => %s", stored.skus[row], w_text, w_image)
    # Both sides of each product are rounded to a half.
    assert_same_ranking(answer, stored.ids[others], expected, 1000, 2 * HALF * (w_text + w_image))


def test_fused_is_both_blocks_by_the_root_of_their_weights(stored: Stored) -> None:
    expected = fuse([stored.text.astype(np.float32), stored.image.astype(np.float32), None], (0.5, 0.5, 0), (64, 64, 0))
    np.testing.assert_allclose(stored.fused.astype(np.float64), expected, atol=2 * HALF)


@few
@given(row=st.integers(0, 314), w_text=weight, w_image=weight)
def test_contributions_add_up_to_the_score(
    catalogue: Database, stored: Stored, row: int, w_text: float, w_image: float
) -> None:
    total = w_text + w_image
    weights = (w_text, w_image) if total else (None, None)
    for _, score, text, image, reviews, *_ in ask(
        catalogue, "%s, 1000, w_text => %s, w_image => %s", stored.skus[row], *weights
    ):
        assert abs(score - text - image) <= SUMMED * max(1, total)
        assert reviews is None


@few
@given(one=st.integers(0, 314), two=st.integers(0, 314))
def test_an_explanation_adds_up_to_the_score(catalogue: Database, stored: Stored, one: int, two: int) -> None:
    with catalogue.read() as connection:
        rows = connection.execute(
            "SELECT modality, weight, cosine, contribution FROM explain_similarity(%s, %s)",
            (stored.skus[one], stored.skus[two]),
        ).fetchall()
    assert [row[:2] for row in rows] == [("text", 0.5), ("image", 0.5)]
    score = inner(stored.fused[two], stored.fused[one])
    assert sum(row[3] for row in rows) == pytest.approx(score, abs=SUMMED)
    for block, (_, share, cosine, contribution) in zip((stored.text, stored.image), rows, strict=True):
        present = block[one].any() and block[two].any()
        assert (cosine is not None) == bool(present)
        assert contribution == pytest.approx(share * (cosine or 0), abs=4 * HALF)


def test_ties_break_by_product_id_and_the_product_itself_is_left_out(catalogue: Database, stored: Stored) -> None:
    ties = 0
    for row, sku in enumerate(stored.skus[:20]):
        answer = ask(catalogue, "%s, 1000", sku)
        assert len(answer) == 314
        assert stored.ids[row] not in [hit[0] for hit in answer]
        assert answer == sorted(answer, key=lambda hit: (-hit[1], hit[0]))
        ties += sum(one[1] == two[1] for one, two in pairwise(answer))
        # Cut inside the ties as well: the first k of all are the first k.
        assert ask(catalogue, "%s, 3", sku) == answer[:3]
    assert ties > 20


category = st.sampled_from(
    ["Apparel", "Apparel/Top", "Apparel/Topwear", "Apparel/Bottomwear", "Apparel/Bottomwear/Skirts_100%", "Bags"]
)
price = st.none() | st.integers(0, 100)


@few
@given(
    row=st.integers(0, 314),
    k=st.integers(1, 320),
    category=st.none() | category,
    price_min=price,
    price_max=price,
    in_stock=st.none() | st.booleans(),
)
def test_every_hit_satisfies_the_filter_and_k_come_back_when_they_exist(
    catalogue: Database,
    row: int,
    k: int,
    category: str | None,
    price_min: int | None,
    price_max: int | None,
    in_stock: bool | None,
) -> None:
    sku = f"SKU-{row:03}"
    with catalogue.read() as connection:
        products = connection.execute("SELECT id, sku, category, price, in_stock FROM products").fetchall()

    def fits(path: str | None, cost: Any, stock: bool) -> bool:
        return (
            (category is None or (path is not None and (path + "/").startswith(category + "/")))
            and (price_min is None or (cost is not None and cost >= price_min))
            and (price_max is None or (cost is not None and cost <= price_max))
            and (in_stock is None or stock is in_stock)
        )

    wanted = {product[0] for product in products if product[1] != sku and fits(*product[2:])}
    answer = ask(
        catalogue, "%s, %s::int, %s, %s::numeric, %s::numeric, %s", sku, k, category, price_min, price_max, in_stock
    )
    assert len(answer) == min(k, len(wanted))
    assert {hit[0] for hit in answer} <= wanted
    assert all(fits(*hit[5:8]) for hit in answer)
    # The same as the unfiltered ranking with the others left out.
    everything = [hit for hit in ask(catalogue, "%s, 1000", sku) if hit[0] in wanted]
    assert answer == everything[:k]


@pytest.mark.parametrize(
    ("arguments", "state"),
    [
        ("'nothing'", "SM001"),
        ("NULL", "SM001"),
        ("'SKU-000', category => 'Apparel/Topw'", "SM004"),
        ("'SKU-000', category => ''", "SM004"),
        ("'SKU-000', 0", "SM005"),
        ("'SKU-000', 1001", "SM005"),
        ("'SKU-000', NULL", "SM005"),
        ("'SKU-000', w_text => -1", "SM005"),
        ("'SKU-000', w_text => 0", "SM005"),
        ("'SKU-000', w_reviews => 1", "SM005"),
        ("'SKU-000', w_text => 'NaN'", "SM005"),
        ("'SKU-000', w_text => 1, w_image => 'Infinity'", "SM005"),
        ("'SKU-000', space => 'nowhere'", "SM006"),
    ],
)
@pytest.mark.parametrize("function", ["similar_products", "similar_products_exact"])
def test_a_wrong_question_has_its_own_error_code(
    catalogue: Database, function: str, arguments: str, state: str
) -> None:
    with psycopg.connect(catalogue.dsn) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(f"SELECT * FROM {function}({arguments})")
    assert caught.value.sqlstate == state


def test_a_product_without_vectors_says_pending_or_failed(database: Database) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO products (sku, title) VALUES ('new', 'A new shirt')")
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.Error) as pending:
            connection.execute("SELECT * FROM similar_products('new')")
        connection.execute("UPDATE embedding_jobs SET state = 'dead', last_error = 'no such colour'")
        with pytest.raises(psycopg.Error, match="no such colour") as failed:
            connection.execute("SELECT * FROM explain_similarity('new', 'new')")
        connection.execute("UPDATE embedding_spaces SET state = 'retired'")
        with pytest.raises(psycopg.Error) as inactive:
            connection.execute("SELECT * FROM similar_products('new')")
    assert (pending.value.sqlstate, failed.value.sqlstate, inactive.value.sqlstate) == ("SM002", "SM003", "SM007")


def test_tiny_weights_rank_as_their_proportions_do(catalogue: Database) -> None:
    tiny = ask(catalogue, "'SKU-000', 20, w_text => 2e-9, w_image => 1e-9")
    plain = ask(catalogue, "'SKU-000', 20, w_text => 2, w_image => 1")
    assert [row[0] for row in tiny] == [row[0] for row in plain]
    np.testing.assert_allclose([row[1] * 1e9 for row in tiny], [row[1] for row in plain], rtol=1e-6)
