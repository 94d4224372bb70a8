"""Fusion by its property: the inner product of a query with a stored vector is the weighted sum of the cosines."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backend.spaces.fusion import Vectors, fuse

DIMENSIONS = (5, 8, 3)

weight = st.floats(0, 10, allow_nan=False)


@st.composite
def space_weights(draw: st.DrawFn) -> tuple[float, float, float]:
    text, image, reviews = (draw(st.floats(0.05, 1)) for _ in range(3))
    total = text + image + reviews
    return text / total, image / total, reviews / total


def units(seed: int, rows: int, missing: float) -> list[Vectors]:
    """Unit blocks, some of whose rows are zero, since the product lacks that modality."""
    random = np.random.default_rng(seed)
    blocks = []
    for size in DIMENSIONS:
        block = random.normal(size=(rows, size)).astype(np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        block[random.random(rows) < missing] = 0
        blocks.append(block)
    return blocks


def query_of(blocks: list[Vectors], asked: tuple[float, ...], weights: tuple[float, ...]) -> Vectors:
    """A query as the database makes it (migrations/sql/0001/vectors.sql)."""
    parts = zip(blocks, asked, weights, strict=True)
    return np.concatenate([block * np.float32(wanted / weight**0.5) for block, wanted, weight in parts], axis=1)


@given(st.integers(0, 2**32 - 1), space_weights(), st.tuples(weight, weight, weight), st.floats(0, 1))
def test_any_weights_hold_at_query_time(
    seed: int, weights: tuple[float, float, float], asked: tuple[float, float, float], missing: float
) -> None:
    if not any(asked):
        asked = (1.0, 0.0, 0.0)
    products, query = units(seed, 20, missing), units(seed + 1, 1, missing)
    stored = fuse(products, weights, DIMENSIONS)
    vector = query_of(query, asked, weights)
    cosines = [block @ row[0] for block, row in zip(products, query, strict=True)]
    expected = sum(share * cosine for share, cosine in zip(asked, cosines, strict=True))
    np.testing.assert_allclose(stored @ vector[0], expected, atol=2e-6 * max(asked))


@given(st.integers(0, 2**32 - 1), space_weights())
def test_the_space_s_own_weights_need_no_scaling(seed: int, weights: tuple[float, float, float]) -> None:
    products = units(seed, 5, 0.3)
    np.testing.assert_allclose(fuse(products, weights, DIMENSIONS), query_of(products, weights, weights), atol=1e-6)


def test_a_product_with_every_modality_is_a_unit_vector() -> None:
    stored = fuse(units(0, 5, 0.0), (0.5, 0.3, 0.2), DIMENSIONS)
    np.testing.assert_allclose(np.linalg.norm(stored, axis=1), 1, atol=1e-6)


def test_a_modality_that_the_space_lacks_takes_no_room() -> None:
    text, image, _ = units(0, 5, 0.0)
    assert fuse([text, image, None], (0.5, 0.5, 0.0), (5, 8, 0)).shape == (5, 13)
