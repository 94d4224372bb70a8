"""facet_counts against a second implementation in Python, over random filters and a catalogue of odd values."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from filter_oracle import Json, random_filters, random_leaves
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from search_fixtures import CATALOGUE, TITLES, connection, count

__all__ = ["connection"]

FIELDS = ["total", "category", "brand", "in_stock", "price", "rating", "attributes.colour", "attributes.it's"]
SKUS = [product["sku"] for product in CATALOGUE.products.values()]

some = hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def parts_of(node: Json | None) -> list[Json]:
    if node is None:
        return []
    return list(node["all"]) if "all" in node else [node]


def others(node: Json | None, field: str) -> Json:
    """The filter without its own conditions on the facet."""
    return {"all": [part for part in parts_of(node) if part.get("field") != field]}


def key(value: Any) -> tuple[str, Any]:
    """A JSON scalar, told apart by type: Python takes True for 1."""
    if isinstance(value, bool | str):
        return type(value).__name__, value
    return "number", Decimal(repr(value))


def attribute_values(product: Json, name: str) -> set[tuple[str, Any]]:
    value = product["attributes"].get(name)
    return {
        key(item)
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, str | bool | int | float)
    }


def chosen_category(node: Json | None) -> str | None:
    given = []
    for part in parts_of(node):
        if part.get("field") == "category":
            for operator in ("under", "eq", "in"):
                value = part.get(operator, [])
                given += [value] if isinstance(value, str) else value
    return given[0] if len(given) == 1 else None


@some
@given(
    node=st.none()
    | random_filters(CATALOGUE)
    | st.fixed_dictionaries({"all": st.lists(random_leaves(SKUS), min_size=1, max_size=5)}),
    words=st.sampled_from([None, "red", "wool coat", "the"]),
)
@example(
    {"all": [{"field": "brand", "eq": "Arbor"}, {"field": "price", "gte": 10}, {"field": "in_stock", "eq": True}]}, None
)
@example({"field": "category", "under": "A/B"}, "red")
@example({"all": [{"field": "category", "under": "A"}, {"field": "category", "eq": "A"}]}, None)
def test_each_facet_counts_what_satisfies_the_others(
    connection: psycopg.Connection[Any], node: Json | None, words: str | None
) -> None:
    found = count(connection, node, FIELDS, text=words)

    def satisfying(field: str) -> list[Json]:
        return [
            CATALOGUE.products[number]
            for number in CATALOGUE.matching(others(node, field))
            if words is None or (words != "the" and set(words.split()) <= set(TITLES[number].split()))
        ]

    assert found["total"] == [(None, len(satisfying("none")))]
    assert dict(found["brand"]) == Counter(p["brand"] for p in satisfying("brand") if p["brand"] is not None)
    assert dict(found["in_stock"]) == Counter(p["in_stock"] for p in satisfying("in_stock"))
    for name in ("colour", "it's"):
        products = satisfying(f"attributes.{name}")
        expected = Counter(value for product in products for value in attribute_values(product, name))
        assert {key(value): number for value, number in found[f"attributes.{name}"]} == expected
    ratings = [p["rating"] for p in satisfying("rating") if p["rating"] is not None]
    assert {value["gte"]: number for value, number in found["rating"]} == {
        stars: number for stars in (1, 2, 3, 4) if (number := sum(rating >= stars for rating in ratings))
    }
    check_prices(found["price"], [p["price"] for p in satisfying("price") if p["price"] is not None])
    parent = chosen_category(node)
    depth = 0 if parent is None else parent.count("/") + 1
    paths = [p["category"].split("/") for p in satisfying("category") if p["category"] is not None]
    assert dict(found["category"]) == Counter(
        "/".join(path[: depth + 1])
        for path in paths
        if len(path) > depth and (parent is None or path[:depth] == parent.split("/"))
    )


def check_prices(ranges: list[tuple[Json, int]], prices: list[Decimal]) -> None:
    """The ranges lie side by side, have the counts of the filter that they are, and leave nothing out."""
    assert sum(number for _, number in ranges) == len(prices)
    assert len(ranges) <= 5
    for value, number in ranges:
        assert number > 0
        assert number == sum(
            price >= Decimal(repr(value.get("gte", -1)))
            and ("lt" not in value or price < Decimal(repr(value["lt"])))
            and ("lte" not in value or price <= Decimal(repr(value["lte"])))
            for price in prices
        )
    for (before, _), (after, _) in pairwise(ranges):
        assert before["lt"] <= after["gte"]


@given(prices=st.dictionaries(st.decimals(0, 9_999_999_999, places=2), st.integers(1, 1000), max_size=60))
@hypothesis_settings(max_examples=200, deadline=None)
@example({Decimal("9999999999.99"): 1, Decimal(0): 1})
@example({Decimal("0.01"): 5, Decimal("0.02"): 5, Decimal("0.03"): 5})
def test_price_ranges_cover_any_prices(connection: psycopg.Connection[Any], prices: dict[Decimal, int]) -> None:
    rows = connection.execute(
        "SELECT value, count FROM price_ranges(%s, %s)", [list(prices), list(prices.values())]
    ).fetchall()
    check_prices(rows, [price for price, number in prices.items() for _ in range(number)])


def test_price_ranges_stand_at_round_prices_and_hold_about_as_many(connection: psycopg.Connection[Any]) -> None:
    prices = [Decimal(10) + Decimal(number) / 7 for number in range(1000)]
    rows = connection.execute(
        "SELECT value, count FROM price_ranges(%s, %s)", [[round(p, 2) for p in prices], [1] * 1000]
    ).fetchall()
    assert [value for value, _ in rows] == [
        {"lt": 40},
        {"gte": 40, "lt": 60},
        {"gte": 60, "lt": 100},
        {"gte": 100, "lt": 120},
        {"gte": 120},
    ]


def test_the_most_frequent_come_first_and_no_more_than_asked(connection: psycopg.Connection[Any]) -> None:
    everything = count(connection, None, ["brand", "category"])
    few = count(connection, None, ["brand", "category"], top=3)
    for field in few:
        assert few[field] == everything[field][:3]
        assert everything[field] == sorted(everything[field], key=lambda item: (-item[1], item[0].encode()))


def test_facets_come_in_the_order_in_which_they_are_asked_for(connection: psycopg.Connection[Any]) -> None:
    fields = ["price", "total", "brand", "category"]
    rows = connection.execute(
        "SELECT DISTINCT ON (n) field FROM (SELECT field, row_number() OVER () AS n FROM facet_counts(NULL, %s)) f",
        [fields],
    )
    assert list(dict.fromkeys(field for (field,) in rows)) == fields


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("NULL, '{brand,colour}'", "facets[1]"),
        ("NULL, '{brand,brand}'", "facets[1]"),
        ("NULL, '{attributes.}'", "facets[0]"),
        ("NULL, ARRAY['brand', NULL]", "facets[1]"),
        ("NULL, ARRAY(SELECT 'attributes.' || n FROM generate_series(1, 21) n)", "facets[20]"),
        ("""'{"field": "colour", "eq": 1}', '{brand}'""", "filter.field"),
        (
            """'{"all": [{"field": "brand", "eq": "x"}, {"field": "price", "gte": "x"}]}', '{brand,price}'""",
            "filter.all[1].gte",
        ),
        ("NULL, '{brand}', ' '", "text"),
        ("NULL, '{brand}', repeat('x', 1001)", "text"),
        ("NULL, '{brand}', NULL, 0", "top"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(connection: psycopg.Connection[Any], arguments: str, field: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        connection.execute(f"SELECT * FROM facet_counts({arguments})".encode())
    assert refused.value.sqlstate == "SM005"
    assert refused.value.diag.column_name == field


def test_nothing_asked_is_nothing_answered(connection: psycopg.Connection[Any]) -> None:
    assert count(connection, None, []) == {}
    assert count(connection, {"any": []}, ["total", "brand", "price"]) == {
        "total": [(None, 0)],
        "brand": [],
        "price": [],
    }
