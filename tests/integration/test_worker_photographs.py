"""Several photographs of a product, and photographs that products share."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.database.connection import Database
from backend.encoders.registry import load_image_encoder
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import Vectors
from backend.spaces.jobs import list_jobs
from backend.spaces.space import MOST_PHOTOGRAPHS, Space
from tests import pictures
from workers.progress import Progress
from workers.worker import Worker


def jpeg(number: int) -> bytes:
    """Photograph ``number``: each of another colour, far enough apart that JPEG keeps them apart."""
    return pictures.jpeg(number * 1_234_577 % 2**24)


class CountingEmbedder(Embedder):
    """Counts the photographs that are decoded and encoded."""

    decoded = encoded = 0

    def prepare_image(self, space: Space, content: bytes) -> NDArray[np.uint8]:
        self.decoded += 1
        return super().prepare_image(space, content)

    def images(self, space: Space, prepared: Sequence[NDArray[np.uint8]]) -> Vectors:
        self.encoded += len(prepared)
        return super().images(space, prepared)


@pytest.fixture
def embedder(database: Database) -> CountingEmbedder:
    return CountingEmbedder(database)


def insert(database: Database, sku: str, photographs: Sequence[bytes]) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO products (sku, title) VALUES (%s, %s)", [sku, f"title of {sku}"])
    put(database, sku, photographs)


def put(database: Database, sku: str, photographs: Sequence[bytes]) -> None:
    with database.write() as connection:
        connection.execute("DELETE FROM product_images USING products p WHERE p.id = product_id AND p.sku = %s", [sku])
        for position, content in enumerate(photographs):
            connection.execute(
                "INSERT INTO product_images (product_id, position, sha256, media_type, width, height, content)"
                " SELECT id, %(position)s, sha256(%(content)s), 'image/jpeg', 16, 16, %(content)s"
                " FROM products WHERE sku = %(sku)s",
                {"position": position, "content": content, "sku": sku},
            )


def drain(database: Database, settings: Settings, embedder: Embedder) -> int:
    return Worker(database, settings, Progress(), drain=True, embedder=embedder).run()


def image_of(database: Database, sku: str) -> NDArray[np.float32]:
    with database.read() as connection:
        row = connection.execute("SELECT image FROM active_embeddings WHERE sku = %s", [sku]).fetchone()
    assert row is not None
    assert row[0] is not None
    vector: NDArray[np.float32] = row[0].to_numpy().astype(np.float32)
    return vector


def mean_of(photographs: Sequence[bytes]) -> NDArray[np.float32]:
    encoder = load_image_encoder("hashing:64")
    mean = encoder.encode([encoder.prepare(content) for content in photographs]).mean(axis=0)
    unit: NDArray[np.float32] = mean / np.linalg.norm(mean)
    return unit


def test_the_block_of_several_photographs_is_their_mean(
    database: Database, settings: Settings, embedder: CountingEmbedder
) -> None:
    photographs = [jpeg(1), jpeg(2), jpeg(3)]
    insert(database, "A", photographs)
    drain(database, settings, embedder)
    np.testing.assert_allclose(image_of(database, "A"), mean_of(photographs), atol=1e-3)
    assert not np.allclose(image_of(database, "A"), mean_of(photographs[:1]), atol=1e-3)


def test_a_change_of_any_photograph_is_seen_and_of_none_is_not(
    database: Database, settings: Settings, embedder: CountingEmbedder
) -> None:
    insert(database, "A", [jpeg(1), jpeg(2)])
    drain(database, settings, embedder)
    assert embedder.encoded == 2
    put(database, "A", [jpeg(1), jpeg(2)])
    drain(database, settings, embedder)
    assert embedder.encoded == 2
    put(database, "A", [jpeg(1), jpeg(3)])
    drain(database, settings, embedder)
    assert embedder.encoded == 4
    np.testing.assert_allclose(image_of(database, "A"), mean_of([jpeg(1), jpeg(3)]), atol=1e-3)
    put(database, "A", [jpeg(3), jpeg(1)])
    drain(database, settings, embedder)
    assert embedder.encoded == 6
    put(database, "A", [jpeg(3)])
    drain(database, settings, embedder)
    np.testing.assert_allclose(image_of(database, "A"), mean_of([jpeg(3)]), atol=1e-3)


def test_only_the_first_photographs_count(database: Database, settings: Settings, embedder: CountingEmbedder) -> None:
    photographs = [jpeg(number) for number in range(MOST_PHOTOGRAPHS + 1)]
    insert(database, "A", photographs)
    drain(database, settings, embedder)
    assert embedder.decoded == MOST_PHOTOGRAPHS
    np.testing.assert_allclose(image_of(database, "A"), mean_of(photographs[:MOST_PHOTOGRAPHS]), atol=1e-3)


def test_photographs_that_products_of_a_batch_share_are_encoded_once(
    database: Database, settings: Settings, embedder: CountingEmbedder
) -> None:
    for number in range(10):
        insert(database, f"S{number}", [jpeg(1), jpeg(2 + number % 2)])
    drain(database, settings, embedder)
    assert (embedder.decoded, embedder.encoded) == (3, 3)
    for number in range(10):
        np.testing.assert_allclose(
            image_of(database, f"S{number}"), mean_of([jpeg(1), jpeg(2 + number % 2)]), atol=1e-3
        )


def test_the_block_of_the_same_photographs_is_copied(
    database: Database, settings: Settings, embedder: CountingEmbedder
) -> None:
    insert(database, "A", [jpeg(1), jpeg(2)])
    insert(database, "B", [jpeg(1)])
    drain(database, settings, embedder)
    before = embedder.decoded
    insert(database, "same set", [jpeg(1), jpeg(2)])
    insert(database, "same photograph", [jpeg(1)])
    drain(database, settings, embedder)
    assert embedder.decoded == before
    np.testing.assert_array_equal(image_of(database, "same set"), image_of(database, "A"))
    np.testing.assert_array_equal(image_of(database, "same photograph"), image_of(database, "B"))
    insert(database, "part of a set", [jpeg(2)])
    drain(database, settings, embedder)
    assert embedder.decoded == before + 1
    # The one it was copied from may change or go.
    put(database, "B", [jpeg(7)])
    with database.write() as connection:
        connection.execute("DELETE FROM products WHERE sku = 'A'")
    drain(database, settings, embedder)
    np.testing.assert_allclose(image_of(database, "same photograph"), mean_of([jpeg(1)]), atol=1e-3)
    np.testing.assert_allclose(image_of(database, "B"), mean_of([jpeg(7)]), atol=1e-3)


def test_one_photograph_of_several_that_cannot_be_read_is_named(
    database: Database, settings: Settings, embedder: CountingEmbedder
) -> None:
    insert(database, "A", [jpeg(1), b"no picture"])
    assert drain(database, settings, embedder) == 0
    (job,) = list_jobs(database)
    assert job.state == "dead"
    assert "photograph 2 of 2" in (job.last_error or "")


def test_analysts_see_which_photographs_are_stored_more_than_once(database: Database) -> None:
    insert(database, "A", [jpeg(1), jpeg(2)])
    insert(database, "B", [jpeg(1)])
    insert(database, "C", [jpeg(3), jpeg(3)])
    with database.read() as connection:
        found = connection.execute(
            "SELECT products, photographs, skus FROM duplicate_photographs ORDER BY skus"
        ).fetchall()
    assert found == [(2, 2, ["A", "B"]), (1, 2, ["C"])]


def test_a_duplicate_is_found_without_reading_every_photograph(
    database: Database, settings: Settings, embedder: CountingEmbedder
) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, 3000) n"
        )
        connection.execute(
            "INSERT INTO product_images (product_id, sha256, media_type, width, height, content)"
            " SELECT id, sha256(id::text::bytea), 'image/jpeg', 1, 1, '' FROM products"
        )
    with database.alone() as connection:
        connection.execute("ANALYZE product_images")
        plan = connection.execute(
            "EXPLAIN SELECT product_id FROM product_images WHERE sha256 = sha256('5') AND product_id <> 5"
            " ORDER BY product_id LIMIT 20"
        ).fetchall()
    assert "product_images_sha256_idx" in str(plan)
