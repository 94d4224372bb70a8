"""A space with a linear kernel, embedded by the worker, against numpy over what it stores."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_catalogue import drain, fresh_database, insert_products

from backend.database.connection import Database
from backend.encoders.hashing import HashingImage, HashingText
from backend.recommend.search import Search, search
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.indexes import build_indexes, wanted_indexes
from backend.spaces.life import activate, create_space, find_space
from backend.spaces.recipe import choose_recipe
from backend.spaces.scaling import fit_scale
from backend.spaces.space import Space

Array = NDArray[Any]
RECIPE = choose_recipe(text="hashing:24", image="hashing:16", weights="text=.3,image=.7", kernel="linear")
# Halves have 11 significant bits, and lengths here go up to about 2.
CLOSE = 5e-3


@dataclass(frozen=True)
class Linear:
    """The space and what the server holds of it: raw blocks, zero rows where one is missing."""

    database: Database
    settings: Settings
    space: Space
    skus: list[str]
    titles: list[str]
    text: Array
    image: Array

    def scores(self, text: Array, image: Array, w_text: float, w_image: float) -> Array:
        """Weighted inner products of a query with every product."""
        found: Array = w_text * (self.text @ text) + w_image * (self.image @ image)
        return found


@pytest.fixture(scope="module")
def linear(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linear]:
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, settings):
        insert_products(database)
        with database.primary() as connection:
            titles = [row[0] for row in connection.execute("SELECT title FROM products ORDER BY id")]
            contents = [row[0] for row in connection.execute("SELECT content FROM product_images ORDER BY product_id")]
        image = HashingImage(16)
        models = [
            fit_scale("text", HashingText(24).encode(titles, normalized=False)),
            fit_scale("image", image.encode([image.prepare(content) for content in contents], normalized=False)),
        ]
        create_space(database, "linear", RECIPE, models)
        drain(database, settings)
        activate(database, "linear")
        with database.primary() as connection:
            rows = connection.execute(
                "SELECT sku, title, text, image FROM active_embeddings JOIN products USING (sku) ORDER BY products.id"
            ).fetchall()
        stored = [
            np.stack([np.zeros(size) if row[place] is None else row[place].to_numpy() for row in rows]).astype(float)
            for place, size in ((2, 24), (3, 16))
        ]
        space = find_space(database, "linear")
        yield Linear(database, settings, space, [row[0] for row in rows], [row[1] for row in rows], *stored)


def ask(linear: Linear, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with linear.database.primary() as connection:
        return connection.execute(statement.encode(), values).fetchall()


def test_blocks_keep_their_lengths_of_one_in_the_mean(linear: Linear) -> None:
    lengths = np.linalg.norm(linear.text, axis=1)
    assert lengths.std() > 0.02
    assert np.sqrt((lengths**2).mean()) == pytest.approx(1, abs=0.01)
    assert len(linear.skus) == 315


def test_rankings_are_exact_and_of_inner_products(linear: Linear) -> None:
    for row in (3, 40, 200):
        for weights, (w_text, w_image) in (("", (0.3, 0.7)), (", w_text => 2, w_image => 1", (2, 1))):
            expected = linear.scores(linear.text[row], linear.image[row], w_text, w_image)
            others = np.delete(expected, row)
            found = ask(
                linear, f"SELECT score, text + image, mode FROM similar_products(%s, 20{weights})", linear.skus[row]
            )
            np.testing.assert_allclose([hit[0] for hit in found], np.sort(others)[::-1][:20], atol=CLOSE)
            np.testing.assert_allclose([hit[0] for hit in found], [hit[1] for hit in found], atol=1e-9)
            assert {hit[2] for hit in found} == {"exact"}


def test_a_product_need_not_be_nearest_to_itself(linear: Linear) -> None:
    nearest = [np.argmax(linear.scores(linear.text[row], linear.image[row], 0.3, 0.7)) for row in range(315)]
    assert any(place != row for row, place in enumerate(nearest))


def test_contributions_add_up_to_the_score(linear: Linear) -> None:
    (sku, score) = ask(linear, "SELECT sku, score FROM similar_products('SKU-003', 1)")[0]
    parts = ask(linear, "SELECT modality, contribution FROM explain_similarity('SKU-003', %s)", sku)
    assert {part[0] for part in parts} == {"text", "image"}
    assert sum(part[1] for part in parts) == pytest.approx(score, abs=1e-6)


def test_a_vector_as_an_example_keeps_its_length(linear: Linear) -> None:
    text, image = linear.text[5] * 3, linear.image[9]
    query = {"like": [{"vector": {"text": text.tolist(), "image": image.tolist()}}], "k": 20}
    found = ask(linear, "SELECT score, contributions FROM recommend(%s)", json.dumps(query))
    expected = np.sort(linear.scores(text, image, 0.3, 0.7))[::-1][:20]
    np.testing.assert_allclose([hit[0] for hit in found], expected, atol=3 * CLOSE)
    assert all(sum(parts.values()) == pytest.approx(score, abs=1e-9) for score, parts in found)


def test_a_search_by_meaning_orders_by_inner_products(linear: Linear) -> None:
    embedder = Embedder(linear.database)
    text = embedder.texts(linear.space, ["blue striped shirt"])[0].astype(float)
    assert np.linalg.norm(text) != pytest.approx(1, abs=1e-3)
    image = linear.image[9] * 2
    vectors = {"text": text.tolist(), "image": image.tolist()}
    wish = Search(vectors=vectors, k=10, mode="vector", space="linear")
    found = [item.sku for item in search(linear.database, embedder, wish).items]
    expected = linear.scores(text, image, 0.3, 0.7)
    by_sku = dict(zip(linear.skus, expected, strict=True))
    np.testing.assert_allclose([by_sku[sku] for sku in found], np.sort(expected)[::-1][:10], atol=3 * CLOSE)


def test_the_pages_of_a_frozen_list_go_on_with_what_an_edited_example_was(linear: Linear) -> None:
    query = {"like": [{"sku": "SKU-003"}], "k": 5}
    first = ask(linear, "SELECT frozen, vectors FROM first_page(%s)", json.dumps(query))[0]
    expected = dict(ask(linear, "SELECT sku, score FROM similar_products('SKU-003', 40)"))
    (frozen,) = ask(
        linear,
        "INSERT INTO recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)"
        " SELECT 'recommendation', space_id, %s, vectors, frozen, 'exact', false, now() + interval '1 hour'"
        " FROM first_page(%s) RETURNING id",
        json.dumps(query),
        json.dumps(query),
    )[0]
    assert len(first[0]) == 5
    ask_edit = "UPDATE product_embeddings SET fused = (fused::vector * array_fill(0.5, ARRAY[40])::vector)::halfvec"
    with linear.database.primary() as connection, connection.transaction(force_rollback=True):
        connection.execute(
            f"{ask_edit} WHERE space_id = %s AND product_id = (SELECT id FROM products WHERE sku = 'SKU-003')".encode(),
            [linear.space.id],
        )
        row = connection.execute("SELECT items FROM page_recommendation(%s, 5, 25)", [frozen]).fetchone()
    assert row is not None
    # By their scores: copies of a product tie, and an example is rounded once more when it becomes a vector.
    found = [expected[item["sku"]] for item in json.loads(row[0])]
    np.testing.assert_allclose(found, sorted(expected.values(), reverse=True)[5:30], atol=CLOSE)
    assert len(set(found)) > 10


def test_no_index_is_wanted_and_none_misleads(linear: Linear) -> None:
    assert wanted_indexes(linear.space) == []
    with linear.database.alone() as alone:
        assert build_indexes(alone, linear.space, lambda _: None) == []
        alone.execute(
            f"CREATE INDEX product_embeddings_{linear.space.id}_fused_hnsw ON product_embeddings_{linear.space.id}"
            " USING hnsw ((fused::halfvec(40)) halfvec_ip_ops)".encode()
        )
        assert alone.execute("SELECT DISTINCT mode FROM similar_products('SKU-003', 5)").fetchall() == [("exact",)]
        alone.execute(f"DROP INDEX product_embeddings_{linear.space.id}_fused_hnsw".encode())
