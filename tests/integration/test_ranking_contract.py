"""The retrieval contract: exactly k that satisfy the filter, or all; an index finds nearly all of the true ones.

``SHELFMATE_CONTRACT_EXAMPLES=10000`` runs the full form, and prints what it found with ``pytest -s``.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from filter_oracle import CATEGORIES, Catalogue, Json, random_filters
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from ranking_fixtures import Shelf, stocked_shelf
from ranking_oracle import OWN_WEIGHTS, Example, Ranking, average_scores, matching_rows

EXAMPLES = int(os.environ.get("SHELFMATE_CONTRACT_EXAMPLES", "150"))
COUNT = 6_000
FAR = 3
WEIGHTS: tuple[Json | None, ...] = (None, {"text": 1, "image": 1}, {"text": 0.9, "image": 0.1}, {"image": 1})


@pytest.fixture(scope="module")
def shelf(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """6,000 products of odd values, over HNSW; those of the last six categories lie on the far side of the sphere."""
    catalogue = Catalogue.odd(COUNT, seed=8)
    places = {path: place for place, path in enumerate(CATEGORIES)}
    which = np.array(
        [
            FAR if places.get(product["category"], 0) >= len(CATEGORIES) - 6 else 0
            for product in catalogue.products.values()
        ]
    )
    home = tmp_path_factory.mktemp("home")
    with stocked_shelf(server_dsn, template, home, which, catalogue.products) as stocked:
        yield stocked


def wide_filters() -> st.SearchStrategy[Json]:
    """Conditions that a tenth of the products or more satisfy, so that an index is worth asking."""
    return st.one_of(
        st.booleans().map(lambda stock: {"field": "in_stock", "eq": stock}),
        st.sampled_from(("A", "A/B", "A-B", "a", "AA")).map(lambda path: {"not": {"field": "category", "under": path}}),
        st.builds(
            lambda low, high: {"field": "price", "gte": low, "lte": high},
            st.sampled_from((0, 1, 9.99)),
            st.sampled_from((10, 50, 99.9, 1e6)),
        ),
        st.integers(0, 29).map(lambda number: {"not": {"field": "title", "contains": f" {number}"}}),
        st.sampled_from(("EUR", "USD", "GBP")).map(lambda code: {"field": "currency", "in": [code]}),
    )


def in_both(strategy: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return strategy | st.lists(strategy, min_size=2, max_size=2).map(lambda nodes: {"all": nodes})


def ask(shelf: Shelf, row: int, k: int, node: Json | None, weights: Json | None, exact: bool) -> list[tuple[Any, ...]]:
    with shelf.database.read() as connection:
        return connection.execute(
            """SELECT product_id, score, mode
                 FROM similar_products((SELECT sku FROM products WHERE id = %s), %s::int,
                                       w_text => %s, w_image => %s, filter => %s, exact => %s)""",
            (
                row + 1,
                k,
                (weights or {}).get("text"),
                (weights or {}).get("image"),
                None if node is None else Jsonb(node),
                exact,
            ),
        ).fetchall()


def truth(shelf: Shelf, row: int, node: Json | None, weights: Json | None) -> Ranking:
    allowed = matching_rows(shelf.catalogue, node)
    allowed[row] = False
    example: Example = shelf.example(row)
    return Ranking(average_scores(shelf.vectors, [example], weights or OWN_WEIGHTS), allowed, shelf.products)


def test_random_filters_are_answered_in_full_and_truly(shelf: Shelf) -> None:
    recalls: dict[str, list[float]] = defaultdict(list)
    outcomes: Counter[str] = Counter()

    @hypothesis_settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        row=st.integers(0, COUNT - 1),
        k=st.sampled_from((10, 10, 10, 1, 50, 1000)),
        node=in_both(wide_filters()) | random_filters(shelf.catalogue),
        weights=st.sampled_from(WEIGHTS),
        exact=st.sampled_from((False, False, False, True)),
    )
    def measure(row: int, k: int, node: Json, weights: Json | None, exact: bool) -> None:
        rows = ask(shelf, row, k, node, weights, exact)
        expected = truth(shelf, row, node, weights)
        ids = [product_id for product_id, *_ in rows]
        existing = int(expected.allowed.sum())
        assert len(set(ids)) == len(ids) == min(k, existing), "a short answer"
        assert all(expected.allowed[number - 1] for number in ids), "a row outside the filter"
        modes = {mode for *_, mode in rows} or {"exact"}
        assert len(modes) == 1
        assert not exact or modes == {"exact"}
        if modes == {"exact"}:
            expected.check([(number, score) for number, score, _ in rows], k)
        recalls[modes.pop()].append(expected.recall(ids, k))
        outcomes["none" if not existing else "fewer than k" if existing < k else "k"] += 1

    measure()
    print({mode: (len(found), np.mean(found), np.quantile(found, 0.05)) for mode, found in recalls.items()}, outcomes)
    assert min(recalls["exact"]) == 1
    assert len(recalls["ann"]) >= EXAMPLES // 20, "hardly a question was left to the index"
    assert np.mean(recalls["ann"]) >= 0.99
    assert np.quantile(recalls["ann"], 0.05) >= 0.9


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_a_filter_on_the_far_side_of_the_query_is_answered_truly(shelf: Shelf, weights: Json | None) -> None:
    """An iterative scan ends with what leaks in over the graph's bridges: the matches are all far from the query."""
    far = list(CATEGORIES[-6:])
    node: Json = {"field": "category", "in": far}
    here = [
        number - 1
        for number in shelf.products
        if number - 1 not in set(np.flatnonzero(matching_rows(shelf.catalogue, node)))
    ]
    there = [int(row) for row in np.flatnonzero(matching_rows(shelf.catalogue, node))]
    questions: list[tuple[int, Json]] = [(row, node) for row in here[:6]]
    questions += [(row, {"all": [{"not": node}, {"field": "category", "exists": True}]}) for row in there[:6]]
    for row, condition in questions:
        rows = ask(shelf, row, 10, condition, weights, exact=False)
        truth(shelf, row, condition, weights).check([(number, score) for number, score, _ in rows], 10)


def test_a_filter_that_all_satisfy_costs_nothing_of_the_answer(shelf: Shelf) -> None:
    for row in range(0, COUNT, 700):
        assert ask(shelf, row, 20, {"all": []}, None, exact=True) == ask(shelf, row, 20, None, None, exact=True)
