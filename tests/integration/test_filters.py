"""What filter_condition refuses and how it says so, and what the functions over it give."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from filter_oracle import Catalogue
from psycopg.types.json import Jsonb

from backend.database.problems import translated
from backend.errors import InvalidInput, NotFound

CATALOGUE = Catalogue.odd(200)
CONDITION = {"field": "price", "lt": 50}

Ask = Callable[[Any], set[int]]


@pytest.fixture(scope="module")
def connection(scratch: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    CATALOGUE.store(scratch)
    return scratch


@pytest.fixture
def ask(connection: psycopg.Connection[Any]) -> Ask:
    """The ids that satisfy a filter."""

    def asked(node: Any) -> set[int]:
        with translated():
            return {number for (number,) in connection.execute("SELECT filter_products(%s)", [Jsonb(node)])}

    return asked


def nested(depth: int) -> Any:
    node: Any = CONDITION
    for _ in range(depth - 1):
        node = {"not": node}
    return node


BAD_NODES = [
    (5, "filter", "must be a condition such as"),
    ([CONDITION], "filter", "not an array"),
    ("price < 50", "filter", 'not the string "price < 50"'),
    ({}, "filter", 'lacks "field"'),
    ({"fild": "price", "lt": 5}, "filter", "here are lt, fild"),
    ({"all": CONDITION}, "filter.all", "must be an array of conditions, not an object"),
    ({"all": [CONDITION, None]}, "filter.all[1]", "must be a condition such as"),
    ({"any": [CONDITION], "all": []}, "filter.any", 'stands beside "all"'),
    ({"not": CONDITION, "field": "price"}, "filter.field", 'stands beside "not"'),
    ({"not": [CONDITION]}, "filter.not", "must be a condition such as"),
    ({"not": {"any": [{"all": [{}]}]}}, "filter.not.any[0].all[0]", 'lacks "field"'),
    (nested(17), "filter" + ".not" * 16, "is nested more than 16 deep: write the filter flatter"),
    ({"any": [CONDITION] * 1000}, "filter", 'has more than 1,000 conditions: ask for many values by one "in"'),
    ({"field": "category", "under": ["A"] * 1001}, "filter", "names more than 1,000 categories: name categories above"),
    # Each within bounds, together a statement that a server has no memory for.
    (
        {"any": [{"field": "category", "under": ["A"] * 600}, {"not": {"field": "category", "under": ["A"] * 401}}]},
        "filter",
        "names more than 1,000 categories: name categories above",
    ),
]
BAD_FIELDS = [
    ({"field": 5, "eq": 1}, "filter.field", "must be the name of a field"),
    ({"field": "colour", "eq": "red"}, "filter.field", 'is unknown: the string "colour"; known are category, brand'),
    ({"field": "Price", "lt": 1}, "filter.field", "is unknown"),
    ({"field": "attributes", "eq": "red"}, "filter.field", "attributes.NAME"),
    ({"field": "attributes.", "exists": True}, "filter.field", "is unknown"),
    ({"field": "id", "eq": 1}, "filter.field", "is unknown"),
    ({"field": "price"}, "filter", "asks nothing of price: give one or more of eq, in, gte"),
    ({"field": "price", "less": 5}, "filter.less", "is no operator of price, which takes eq, in, gte, gt, lte, lt"),
    ({"field": "price", "lt": 5, "contains": 5}, "filter.contains", "is no operator of price"),
    ({"field": "brand", "under": "A"}, "filter.under", "is no operator of brand, which takes eq, in, contains"),
    ({"field": "category", "gte": "A"}, "filter.gte", "is no operator of category, which takes eq, in, under"),
    ({"field": "in_stock", "in": [True]}, "filter.in", "is no operator of in_stock, which takes eq, exists"),
]
BAD_VALUES = [
    ({"field": "price", "gte": "10"}, "filter.gte", 'must be a number such as 10, not the string "10"'),
    ({"field": "price", "eq": "NaN"}, "filter.eq", "must be a number such as 10"),
    ({"field": "price", "eq": True}, "filter.eq", "must be a number such as 10, not true"),
    ({"field": "price", "eq": [1]}, "filter.eq", "not an array"),
    ({"field": "price", "lt": None}, "filter.lt", '({"exists": false} asks whether it is missing), not null'),
    ({"field": "price", "in": 5}, "filter.in", "must be an array of values, not the number 5"),
    ({"field": "price", "in": [1, 2, "3"]}, "filter.in[2]", 'must be a number such as 10, not the string "3"'),
    ({"field": "rating", "gt": {}}, "filter.gt", "must be a number such as 10, not an object"),
    ({"field": "brand", "eq": 5}, "filter.eq", "must be a string, not the number 5"),
    ({"field": "brand", "in": ["a", ["b"]]}, "filter.in[1]", "must be a string, not an array"),
    ({"field": "title", "contains": ""}, "filter.contains", "must be a string that is not empty"),
    ({"field": "brand", "eq": "x" * 500}, None, ""),
    ({"field": "price", "eq": "x" * 500}, "filter.eq", "xxx..."),
    ({"field": "in_stock", "eq": 1}, "filter.eq", "must be true or false, not the number 1"),
    ({"field": "brand", "exists": "yes"}, "filter.exists", 'must be true or false, not the string "yes"'),
    ({"field": "brand", "exists": None}, "filter.exists", "must be true or false, not null"),
    ({"field": "category", "under": 5}, "filter.under", 'must be the path of a category such as "Apparel/Shoes"'),
    ({"field": "category", "under": ["A", None]}, "filter.under[1]", "must be a string"),
    ({"field": "category", "under": ["A", "Nowhere"]}, "filter.under", "is no category: Nowhere"),
    ({"field": "category", "under": "A/"}, "filter.under", "is no category: A/"),
    ({"field": "attributes.x", "eq": None}, "filter.eq", "must be a string, a number, true or false"),
    ({"field": "attributes.x", "eq": ["a"]}, "filter.eq", "(in takes an array, contains looks into one)"),
    ({"field": "attributes.x", "in": ["a", {}]}, "filter.in[1]", "must be a string, a number, true or false"),
    ({"field": "attributes.x", "contains": ""}, "filter.contains", "must be a string that is not empty"),
    ({"field": "attributes.x", "gte": "soon"}, "filter.gte", 'a number such as 10 or a date such as "2025-01-31"'),
    ({"field": "attributes.x", "gte": "2025-02-30"}, "filter.gte", "a number such as 10 or a date"),
    ({"field": "attributes.x", "lt": True}, "filter.lt", "a number such as 10 or a date"),
]
BAD_TIMES = [
    ({"field": "created_at", "gte": given}, "filter.gte", 'must be a time with its zone such as "2025-01-31T00:00:00Z"')
    for given in (
        "yesterday",
        "now",
        "infinity",
        "",
        "2025-01-31",
        "2025-01-31T00:00:00",
        "2025-02-30T00:00:00Z",
        "2025-01-31T24:00:00Z",
        "2025-01-31T00:00Z",
        "31.01.2025 00:00:00+01:00",
        "2025-01-31T00:00:00+99:00",
        "2025-01-31T00:00:00 Europe/Berlin",
        "2025-01-31T00:00:00Z\n",
        "0000-01-31T00:00:00Z",
        "٢٠٢٥-01-31T00:00:00Z",
    )
] + [({"field": "created_at", "gte": 1738281600}, "filter.gte", "must be a time such as")]


@pytest.mark.parametrize(("node", "path", "words"), BAD_NODES + BAD_FIELDS + BAD_VALUES + BAD_TIMES)
def test_what_does_not_fit_is_an_error_that_names_its_place(ask: Ask, node: Any, path: str | None, words: str) -> None:
    if path is None:
        assert ask(node) == set()
        return
    with pytest.raises(InvalidInput) as caught:
        ask(node)
    assert caught.value.field == path
    assert str(caught.value).startswith(f"{path} ")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_error_deep_inside_names_the_whole_path(ask: Ask) -> None:
    node = {"all": [CONDITION, {"any": [CONDITION, {"not": {"field": "price", "gte": "10"}}]}]}
    with pytest.raises(InvalidInput) as caught:
        ask(node)
    assert caught.value.field == "filter.all[1].any[1].not.gte"


def test_the_limits_themselves_are_allowed(ask: Ask) -> None:
    assert ask(nested(16)) == ask({"not": CONDITION})
    assert ask({"any": [CONDITION] * 999}) == ask(CONDITION)
    assert ask({"field": "category", "under": ["A"] * 1000}) == ask({"field": "category", "under": "A"})


def test_what_is_joined_of_checked_filters_has_no_limit(connection: psycopg.Connection[Any]) -> None:
    for joined in (nested(40), {"any": [CONDITION] * 1500}, {"any": [{"field": "category", "under": ["A"] * 800}] * 2}):
        row = connection.execute("SELECT filter_condition(%s, '$1', false) <> ''", [Jsonb(joined)]).fetchone()
        assert row == (True,)


def test_no_filter_is_no_condition(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("SELECT filter_condition(NULL), filter_condition('null')").fetchone()
    assert row == (None, None)
    assert connection.execute("SELECT count(*) FROM filter_products(NULL)").fetchone() == (200,)


def test_nothing_but_own_words_is_spliced(connection: psycopg.Connection[Any]) -> None:
    evil = "'; DROP TABLE products; --$1{}\"\\"
    for leaf in (
        {"field": "brand", "eq": evil, "in": [evil], "contains": evil},
        {"field": "category", "eq": evil},
        {"field": f"attributes.{evil}", "eq": evil, "in": [evil] * 30, "contains": evil, "gte": 1, "lt": "2024-01-01"},
        {"field": f"attributes.{evil}", "in": [evil], "exists": False},
    ):
        row = connection.execute("SELECT filter_condition(%s)", [Jsonb({"not": leaf})]).fetchone()
        assert row is not None
        assert "DROP" not in row[0]


@pytest.mark.parametrize(
    "parameter", ["$1", "$12", "f", "r.filter", "$3 -> 'filter'", "$3 -> 0 -> 'filter'", "($3->0)"]
)
def test_the_parameter_may_be_a_place_in_a_document(connection: psycopg.Connection[Any], parameter: str) -> None:
    row = connection.execute("SELECT filter_condition(%s, %s)", [Jsonb(CONDITION), parameter]).fetchone()
    assert row is not None
    assert f"({parameter} #> '{{lt}}')::numeric" in row[0]


@pytest.mark.parametrize("parameter", ["$0", "1", "", "f)", "$1 OR true", "pg_sleep(9)", "f -> 'it''s'", "($1", None])
def test_a_parameter_that_is_none_is_refused(connection: psycopg.Connection[Any], parameter: str | None) -> None:
    with pytest.raises(InvalidInput, match="parameter must be"), translated():
        connection.execute("SELECT filter_condition(%s, %s)", [Jsonb(CONDITION), parameter])


def test_a_category_that_went_away_matches_nothing_where_that_is_asked_for(
    connection: psycopg.Connection[Any],
) -> None:
    row = connection.execute(
        "SELECT filter_condition(%s, '$1', check_categories => false)", [Jsonb({"field": "category", "under": "Gone"})]
    ).fetchone()
    assert row is not None
    assert "p.category" in row[0]


def test_an_array_of_ten_thousand_skus_is_answered(ask: Ask) -> None:
    skus = [product["sku"] for product in CATALOGUE.products.values()]
    assert ask({"field": "sku", "in": [f"none-{number}" for number in range(9_990)] + skus[:10]}) == set(range(1, 11))


def test_the_settings_of_a_session_change_no_time(connection: psycopg.Connection[Any], ask: Ask) -> None:
    node = {"field": "created_at", "gte": "2024-01-01T01:00:00+02:00", "lt": "2024-01-01t00:30:00z"}
    expected = CATALOGUE.matching(node)
    assert expected
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL TimeZone = 'Asia/Tokyo'")
        connection.execute("SET LOCAL DateStyle = 'SQL, DMY'")
        assert ask(node) == expected


def test_category_subtree_lists_a_category_and_all_below_it(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("SELECT category_subtree('A/B'), category_subtree('A_')").fetchone()
    assert row == (["A/B", "A/B/C", "A/B/C/D"], ["A_"])
    with pytest.raises(InvalidInput, match="no category A/") as caught, translated():
        connection.execute("SELECT category_subtree('A/')")
    assert caught.value.field == "category"


def test_explain_filter_has_a_row_for_each_condition(connection: psycopg.Connection[Any]) -> None:
    node = {"all": [{"field": "price", "gte": 0, "lt": 10**9}, {"not": {"field": "sku", "eq": "none"}}]}
    priced = min(number for number, product in CATALOGUE.products.items() if product["price"] is not None)
    rows = connection.execute("SELECT * FROM explain_filter(%s, %s)", [priced, Jsonb(node)]).fetchall()
    assert rows == [
        ("filter.all[0]", "price gte 0 and price lt 1000000000", True),
        ("filter.all[1].not", 'sku eq "none"', False),
    ]
    with pytest.raises(NotFound, match="no product with the id 999"), translated():
        connection.execute("SELECT * FROM explain_filter(999, %s)", [Jsonb(node)])
    with pytest.raises(InvalidInput), translated():
        connection.execute("SELECT * FROM explain_filter(999, '{}')")
