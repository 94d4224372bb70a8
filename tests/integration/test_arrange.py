"""diversify() against maximal marginal relevance in numpy over the same stored vectors."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_catalogue import drain, fresh_database, insert_products

from backend.database.connection import Database
from backend.errors import InvalidInput

DIVERSIFY = """SELECT diversify(find_space(NULL), %s::bigint[], %s::float8[], %s::integer, %s::float8)"""

few = hypothesis_settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def catalogue(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The small catalogue, embedded, in which a third of the vectors are exact copies; tests only read it."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, settings):
        insert_products(database)
        assert drain(database, settings) == 315
        yield database


@pytest.fixture(scope="module")
def vectors(catalogue: Database) -> dict[int, NDArray[Any]]:
    """The stored fused vectors by product id."""
    with catalogue.read() as connection:
        rows = connection.execute("SELECT product_id, fused FROM active_embeddings").fetchall()
    return {row[0]: row[1].to_numpy().astype(np.float32) for row in rows}


def ask(
    database: Database, ids: list[int] | None, scores: list[float] | None, k: int | None, diversity: float | None
) -> list[int]:
    with database.read() as connection:
        row = connection.execute(DIVERSIFY, (ids, scores, k, diversity)).fetchone()
    assert row is not None
    chosen: list[int] = row[0]
    return chosen


def expect(
    vectors: dict[int, NDArray[Any]], scored: dict[int, float], k: int, diversity: float, given_order: list[int]
) -> None:
    """Fail unless each of ``given_order`` is the best choice after those before it; ties go to the lowest id.

    The server adds up in single precision, so that what lies within 1e-6 of the best may come first; exact copies of a
    vector with the same score tie on both sides.
    """
    assert len(given_order) == len(set(given_order)) == min(k, len(scored))
    left = sorted(scored)
    blank = np.zeros(len(next(iter(vectors.values()))), np.float32)
    matrix = np.stack([vectors.get(product, blank) for product in left])
    likeness = matrix @ matrix.T
    worth = np.array([scored[product] for product in left])
    chosen: list[int] = []
    for product in given_order:
        values = (1 - diversity) * worth - diversity * likeness[:, chosen].max(axis=1) if chosen else worth.copy()
        values[chosen] = -np.inf
        place = left.index(product)
        assert values[place] >= values.max() - 1e-6
        twins = np.flatnonzero(
            (values == values[place]) & (worth == worth[place]) & (matrix == matrix[place]).all(axis=1)
        )
        assert place == twins.min()
        chosen.append(place)


@few
@given(
    st.data(),
    st.integers(1, 40),
    st.floats(0.01, 1),
)
def test_each_choice_is_the_best_after_those_before_it(
    catalogue: Database, vectors: dict[int, NDArray[Any]], data: st.DataObject, k: int, diversity: float
) -> None:
    ids = data.draw(st.lists(st.sampled_from(sorted(vectors)), min_size=1, max_size=60, unique=True))
    origin = vectors[data.draw(st.sampled_from(sorted(vectors)))]
    # Three decimals, so that different products tie.
    scored = {product: round(float(vectors[product] @ origin), 3) for product in ids}
    chosen = ask(catalogue, ids, [scored[product] for product in ids], k, diversity)
    expect(vectors, scored, k, diversity, chosen)


def greedy(vectors: dict[int, NDArray[Any]], scored: dict[int, float], k: int, diversity: float) -> list[int]:
    """Maximal marginal relevance (Carbonell and Goldstein, 1998) in double precision, by the book."""
    chosen: list[int] = []
    while len(chosen) < min(k, len(scored)):
        best: tuple[float, int] | None = None
        for product in sorted(scored.keys() - set(chosen)):
            near = max((float(vectors[product].astype(float) @ vectors[other]) for other in chosen), default=0.0)
            value = (1 - diversity) * scored[product] - diversity * near
            if best is None or value > best[0]:
                best = value, product
        assert best is not None
        chosen.append(best[1])
    return chosen


@pytest.mark.parametrize("diversity", [0.1, 0.3, 0.5, 0.9])
def test_the_order_is_that_of_the_book(catalogue: Database, vectors: dict[int, NDArray[Any]], diversity: float) -> None:
    # One of each set of copies, and scores that no rounding can tie: both orders must be the same to the last.
    chance = random.Random(11)
    single = {vector.tobytes(): product for product, vector in sorted(vectors.items(), reverse=True)}.values()
    origin = vectors[1].astype(float)
    scored = {product: float(vectors[product] @ origin) + chance.random() for product in single}
    chosen = ask(catalogue, list(scored), list(scored.values()), 30, diversity)
    assert chosen == greedy(vectors, scored, 30, diversity)


def test_ties_go_to_the_lowest_id(catalogue: Database, vectors: dict[int, NDArray[Any]]) -> None:
    copies: dict[bytes, list[int]] = {}
    for product, vector in sorted(vectors.items()):
        copies.setdefault(vector.tobytes(), []).append(product)
    pairs = [same for same in copies.values() if len(same) > 1][:5]
    assert len(pairs) == 5
    ids = [product for same in pairs for product in reversed(same)]
    chosen = ask(catalogue, ids, [0.5] * len(ids), len(ids), 0.5)
    for same in pairs:
        assert sorted(same, key=chosen.index) == same


def test_diversity_0_orders_by_score_then_id(catalogue: Database) -> None:
    assert ask(catalogue, [5, 3, 4, 2], [0.5, 0.5, 0.9, -1.0], 3, 0) == [4, 3, 5]


def test_diversity_1_starts_with_the_best_score(catalogue: Database, vectors: dict[int, NDArray[Any]]) -> None:
    ids = sorted(vectors)[:40]
    chosen = ask(catalogue, ids, [0.9 if product == ids[17] else 0.1 for product in ids], 2, 1)
    farthest = min(ids, key=lambda product: (float(vectors[product] @ vectors[ids[17]]), product))
    assert chosen == [ids[17], farthest]


def test_all_come_when_fewer_exist_and_none_of_none(catalogue: Database) -> None:
    assert sorted(ask(catalogue, [3, 1, 2], [0.1, 0.2, 0.3], 50, 0.4)) == [1, 2, 3]
    assert ask(catalogue, [], [], 10, 0.4) == []


def test_a_product_without_a_vector_is_like_nothing(catalogue: Database, vectors: dict[int, NDArray[Any]]) -> None:
    ids = [*sorted(vectors)[:5], 999_999]
    scored = dict.fromkeys(ids, 0.5)
    chosen = ask(catalogue, ids, [0.5] * 6, 6, 0.5)
    expect(vectors, scored, 6, 0.5, chosen)
    assert chosen[1] == 999_999


@pytest.mark.parametrize(
    ("ids", "scores", "k", "diversity", "field"),
    [
        ([1], [0.5], 0, 0.5, "k"),
        ([1], [0.5], None, 0.5, "k"),
        ([1], [0.5], 1, 1.01, "diversity"),
        ([1], [0.5], 1, -0.01, "diversity"),
        ([1], [0.5], 1, float("nan"), "diversity"),
        ([1], [0.5], 1, None, "diversity"),
        ([1, 2], [0.5], 1, 0.5, "scores"),
        (None, None, 1, 0.5, "scores"),
        ([1], [float("nan")], 1, 0.5, "scores"),
        ([1], [float("-inf")], 1, 0.0, "scores"),
        ([1], [None], 1, 0.5, "scores"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    catalogue: Database,
    ids: list[int] | None,
    scores: list[float] | None,
    k: int | None,
    diversity: float | None,
    field: str,
) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(catalogue, ids, scores, k, diversity)
    assert refused.value.field == field
