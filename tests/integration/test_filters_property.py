"""Random filters over a catalogue of odd values: the database and a second implementation name the same products.

``SHELFMATE_FILTER_EXAMPLES=10000`` runs the full form.
"""

import os
from typing import Any

import psycopg
import pytest
from filter_oracle import Catalogue, Json, leaves_of, random_filters
from hypothesis import HealthCheck, event, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from backend.api.filter_types import Filter

EXAMPLES = int(os.environ.get("SHELFMATE_FILTER_EXAMPLES", "300"))
CATALOGUE = Catalogue.odd(2_000)

COUNT_NULLS = """
CREATE FUNCTION pg_temp.count_nulls(filter jsonb, condition text, OUT nulls bigint) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT count(*) FROM shelfmate.products p WHERE (%s) IS NULL', condition) INTO nulls USING filter;
END $$"""

many = hypothesis_settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def connection(scratch: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    CATALOGUE.store(scratch)
    scratch.execute("ANALYZE products")
    scratch.execute(COUNT_NULLS)
    return scratch


def found(connection: psycopg.Connection[Any], node: Json) -> set[int]:
    return {number for (number,) in connection.execute("SELECT filter_products(%s)", [Jsonb(node)]).fetchall()}


def count_nulls(connection: psycopg.Connection[Any], node: Json) -> int:
    """For how many products the condition is neither true nor false."""
    (condition,) = connection.execute("SELECT filter_condition(%s, '$1')", [Jsonb(node)]).fetchone() or (None,)
    row = connection.execute("SELECT pg_temp.count_nulls(%s, %s)", [Jsonb(node), condition]).fetchone()
    assert row is not None
    return int(row[0])


@many
@given(node=random_filters(CATALOGUE))
@example({"all": []})
@example({"any": []})
@example({"not": {"not": {"field": "brand", "exists": False}}})
@example({"field": "category", "under": "A"})
@example({"not": {"field": "attributes.colour", "in": ["red", 1, True]}})
def test_the_database_and_the_oracle_name_the_same_products(connection: psycopg.Connection[Any], node: Json) -> None:
    expected = CATALOGUE.matching(node)
    event("none" if not expected else "all" if len(expected) == len(CATALOGUE.products) else "some")
    assert found(connection, node) == expected


COMPLEMENTED: list[Json] = [
    *({"field": field, "eq": "Arbor"} for field in ("brand", "sku", "title", "variant_group", "currency")),
    *({"field": field, "contains": "b"} for field in ("brand", "sku", "title", "variant_group", "currency")),
    *({"field": field, "in": ["Arbor", "EUR", "A/B"]} for field in ("brand", "category", "variant_group", "currency")),
    *({"field": "category", operator: "A/B"} for operator in ("eq", "under")),
    {"field": "category", "under": ["A/B", "A0"]},
    *(
        {"field": field, operator: 2}
        for field in ("price", "rating", "review_count")
        for operator in ("eq", "gte", "lt")
    ),
    *({"field": field, "in": [1, 4.1]} for field in ("price", "rating", "review_count")),
    {"field": "in_stock", "eq": True},
    *({"field": field, "lte": "2024-01-01T00:00:00Z"} for field in ("created_at", "updated_at")),
    *({"field": "attributes.colour", operator: value} for operator in ("eq", "contains") for value in ("red", 1, True)),
    *(
        {"field": "attributes.colour", operator: value}
        for operator in ("gte", "gt", "lte", "lt")
        for value in (1, "2024-05-01")
    ),
    *({"field": "attributes.colour", "in": ["red", 1, True] * times} for times in (1, 10)),
    *(
        {"field": field, "exists": found}
        for field in ("brand", "price", "attributes.colour")
        for found in (True, False)
    ),
    {"field": "price", "gte": 1, "exists": False},
    {"field": "attributes.missing", "eq": "red"},
]


@pytest.mark.parametrize("leaf", COMPLEMENTED, ids=str)
def test_not_is_the_plain_complement(connection: psycopg.Connection[Any], leaf: Json) -> None:
    expected = CATALOGUE.matching(leaf)
    assert found(connection, leaf) == expected
    assert found(connection, {"not": leaf}) == CATALOGUE.products.keys() - expected
    assert count_nulls(connection, leaf) == 0


@hypothesis_settings(max_examples=max(20, EXAMPLES // 10), deadline=None)
@given(node=random_filters(CATALOGUE), number=st.sampled_from(sorted(CATALOGUE.products)))
def test_a_condition_is_true_or_false_and_its_explanation_agrees(
    connection: psycopg.Connection[Any], node: Json, number: int
) -> None:
    assert count_nulls(connection, node) == 0
    rows = connection.execute("SELECT path, matches FROM explain_filter(%s, %s)", [number, Jsonb(node)]).fetchall()
    assert rows == [(path, number in CATALOGUE.matching(leaf)) for path, leaf in leaves_of(node)]


@many
@given(node=random_filters(CATALOGUE))
def test_the_openapi_document_admits_every_filter(node: Json) -> None:
    Filter.model_validate(node)
