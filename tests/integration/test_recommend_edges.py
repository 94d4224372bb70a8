"""What recommend() does besides ranking: pins, hidden products, variants, fallback, time, and what it refuses."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from filter_oracle import Json
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from ranking_fixtures import COUNT, Shelf, shelf
from ranking_oracle import CREATED, OWN_WEIGHTS, Ranking, average_scores, matching_rows

__all__ = ["shelf"]

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(shelf: Shelf) -> Iterator[Connection]:
    """What a test writes is rolled back."""
    with psycopg.connect(shelf.database.dsn) as connection:
        yield connection
        connection.rollback()


def ranking(shelf: Shelf, row: int, node: Json | None = None) -> Ranking:
    allowed = matching_rows(shelf.catalogue, node)
    allowed[row] = False
    return Ranking(average_scores(shelf.vectors, [shelf.example(row)], OWN_WEIGHTS), allowed, shelf.products)


def like(row: int, **more: Any) -> Json:
    return {"like": [{"sku": f"S{row}"}], "exact": True, **more}


def skus(rows: list[dict[str, Any]]) -> list[str]:
    return [row["sku"] for row in rows]


def pin(connection: Connection, row: int, position: int, name: str | None = None) -> None:
    connection.execute(
        "INSERT INTO ranking_rules (name, action, sku, position) VALUES (%s, 'pin', %s, %s)",
        (name or f"pin-{row}-{position}", f"S{row}", position),
    )


def hide(connection: Connection, node: Json) -> None:
    connection.execute("INSERT INTO ranking_rules (name, action, filter) VALUES ('hidden', 'hide', %s)", [Jsonb(node)])


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    row=st.integers(0, COUNT - 1),
    k=st.integers(1, 30),
    pins=st.dictionaries(st.integers(1, 40), st.integers(0, COUNT - 1), max_size=4),
    node=st.sampled_from((None, {"field": "category", "under": "A"}, {"field": "price", "lt": 40})),
    natural=st.booleans(),
)
def test_pins_stand_at_their_position_and_the_others_keep_their_order(
    shelf: Shelf, row: int, k: int, pins: dict[int, int], node: Json | None, natural: bool
) -> None:
    expected = ranking(shelf, row, node)
    best = expected.best()
    if natural:
        # Products that stand at the top by themselves.
        pins = {position: best[place] - 1 for place, position in enumerate(pins)}
    with psycopg.connect(shelf.database.dsn) as connection:
        for position, pinned in pins.items():
            pin(connection, pinned, position)
        rows = shelf.recommend(like(row, k=k, filter=node), connection)
        connection.rollback()
    fitting: dict[int, int] = {}
    for position, pinned in sorted(pins.items()):
        if expected.allowed[pinned] and pinned + 1 not in fitting.values():
            fitting[position] = pinned + 1
    order = [number for number in best if number not in fitting.values()]
    for position, number in fitting.items():
        order.insert(position - 1, number)
    assert len(rows) == min(k, len(order))
    for place, hit in enumerate(rows):
        is_pin = order[place] in fitting.values()
        assert hit["source"] == ("pinned" if is_pin else "similar")
        # Where two tie, either may come first.
        assert hit["product_id"] == order[place] or (
            not is_pin and abs(hit["score"] - expected.score(order[place])) < 1e-6
        )
        assert hit["score"] == pytest.approx(expected.score(hit["product_id"]), abs=1e-5)
        assert sum(hit["contributions"].values()) == pytest.approx(hit["score"], abs=1e-6)


def test_of_two_pins_for_one_position_the_older_rule_has_it(shelf: Shelf, connection: Connection) -> None:
    pin(connection, 900, 2, "first")
    pin(connection, 901, 2, "second")
    assert skus(shelf.recommend(like(5, k=4), connection))[1:3] == ["S900", "S901"]


def test_what_is_hidden_excluded_or_an_example_is_not_pinned_either(shelf: Shelf, connection: Connection) -> None:
    for row in (900, 901, 902, 903):
        pin(connection, row, 1)
    hide(connection, {"field": "sku", "eq": "S900"})
    rows = shelf.recommend(like(901, exclude=["S902"], k=5), connection)
    assert skus(rows)[0] == "S903"
    assert not {"S900", "S901", "S902"} & set(skus(rows))


def test_a_request_without_rules_has_none(shelf: Shelf, connection: Connection) -> None:
    plain = skus(shelf.recommend(like(7), connection))
    pin(connection, 900, 1)
    hide(connection, {"field": "sku", "in": plain[:3]})
    assert skus(shelf.recommend(like(7, rules=False), connection)) == plain
    assert not set(plain[:3]) & set(skus(shelf.recommend(like(7), connection)))


def test_rules_of_another_placement_do_not_apply(shelf: Shelf, connection: Connection) -> None:
    plain = skus(shelf.recommend(like(7), connection))
    pin(connection, 900, 1)
    connection.execute("UPDATE ranking_rules SET placement = 'cart'")
    for placement in (None, "home"):
        assert skus(shelf.recommend(like(7, placement=placement), connection)) == plain
    assert skus(shelf.recommend(like(7, placement="cart"), connection))[0] == "S900"


def test_many_rules_that_hide_nest_no_filter_too_deep(shelf: Shelf, connection: Connection) -> None:
    plain = skus(shelf.recommend(like(7, k=60), connection))
    for number, sku in enumerate(plain[:40]):
        connection.execute(
            "INSERT INTO ranking_rules (name, action, filter) VALUES (%s, 'hide', %s)",
            (f"hide-{number}", Jsonb({"field": "sku", "eq": sku})),
        )
    deep: Json = {"field": "price", "gte": -1}
    for _ in range(14):
        deep = {"any": [{"not": {"field": "sku", "exists": True}}, deep, {"field": "price", "exists": False}]}
    as_of = (CREATED + timedelta(days=30)).isoformat()
    assert skus(shelf.recommend(like(7, k=20, filter=deep, as_of=as_of), connection)) == plain[40:]


def test_variants_are_the_others_of_the_group_that_match(shelf: Shelf, connection: Connection) -> None:
    hide(connection, {"field": "attributes.colour", "eq": "green"})
    node = {"field": "in_stock", "eq": True}
    rows = shelf.recommend(like(3, k=300, one_per_variant_group=True, filter=node), connection)
    fits = matching_rows(shelf.catalogue, node) & ~matching_rows(
        shelf.catalogue, {"field": "attributes.colour", "eq": "green"}
    )
    groups: dict[str, list[str]] = {}
    for number, product in shelf.products.items():
        if product["variant_group"] is not None and fits[number - 1]:
            groups.setdefault(product["variant_group"], []).append(product["sku"])
    assert any(row["variants"] for row in rows)
    for row in rows:
        assert row["variants"] == [sku for sku in groups.get(row["variant_group"], []) if sku != row["sku"]]
    shown = [row["variant_group"] for row in rows if row["variant_group"] is not None]
    assert len(shown) == len(set(shown))
    assert not any(row["variants"] for row in shelf.recommend(like(3, k=300), connection))


@pytest.mark.parametrize("strange", [{"field": "sku", "in": ["S10", "S11", "S12", "S13", "S14"]}, None])
def test_a_group_shows_once_whatever_puts_it_there(shelf: Shelf, connection: Connection, strange: Json | None) -> None:
    """Pins and what stands in count as well."""
    connection.execute("UPDATE products SET variant_group = 'all one' WHERE id BETWEEN 11 AND 15")
    pin(connection, 12, 2)
    rows = shelf.recommend(
        like(900, k=40, filter=strange, one_per_variant_group=True, fallback=True, score_threshold=0.9), connection
    )
    groups = [row["variant_group"] for row in rows if row["variant_group"] is not None]
    assert len(groups) == len(set(groups))
    assert "S12" in skus(rows)


def test_a_fallback_names_its_source_and_stays_inside_the_filter(shelf: Shelf, connection: Connection) -> None:
    category = shelf.products[8]["category"]
    connection.execute(
        """INSERT INTO events (product_id, user_id, kind)
           SELECT p.id, 'u' || p.id, 'purchase' FROM products p
            WHERE p.id %% 50 = 0 AND (p.category = %s OR p.id < 500)""",
        [category],
    )
    node = {"field": "price", "lt": 60}
    query = like(7, k=200, filter=node, score_threshold=0.8, exclude=["S99"], unlike=[{"sku": "S149"}], fallback=True)
    rows = shelf.recommend(query, connection)
    sources = [row["source"] for row in rows]
    assert sources == sorted(sources, key=["similar", "popular", "newest"].index)
    assert set(sources) == {"similar", "popular", "newest"}
    ids = [row["product_id"] for row in rows]
    assert len(ids) == len(set(ids)) == 200
    fits = matching_rows(shelf.catalogue, node)
    assert all(fits[number - 1] for number in ids)
    assert not {"S7", "S99", "S149"} & set(skus(rows))
    popular = [row for row in rows if row["source"] == "popular"]
    assert {row["category"] for row in popular} == {category}
    assert {row["product_id"] % 50 for row in popular} == {0}
    newest = [row["product_id"] for row in rows if row["source"] == "newest"]
    assert newest == sorted(newest, reverse=True)
    similar = [row for row in rows if row["source"] == "similar"]
    assert all(row["score"] >= 0.8 for row in similar)
    assert similar == shelf.recommend(query | {"fallback": False}, connection)


def new_product(connection: Connection, sku: str, category: str | None = None) -> None:
    connection.execute("INSERT INTO products (id, sku, title, category) VALUES (9000, %s, 'New', %s)", (sku, category))


def test_a_new_product_falls_back_and_is_not_recommended_to_itself(shelf: Shelf, connection: Connection) -> None:
    new_product(connection, "NEW", "B")
    query = {"like": [{"sku": "NEW"}], "fallback": True, "k": 5}
    rows = shelf.recommend(query, connection)
    assert len(rows) == 5
    assert {row["source"] for row in rows} == {"newest"}
    assert "NEW" not in skus(rows)


def test_what_is_unlike_does_not_come_back_as_a_fallback(shelf: Shelf, connection: Connection) -> None:
    new_product(connection, "NEW")
    query = {"like": [{"sku": "S1"}], "unlike": [{"sku": "NEW"}], "score_threshold": 0.999, "fallback": True, "k": 5}
    assert "NEW" not in skus(shelf.recommend(query, connection))


def test_when_no_like_has_vectors_the_unlikes_alone_choose_nothing(shelf: Shelf, connection: Connection) -> None:
    new_product(connection, "NEW")
    query = {"like": [{"sku": "NEW"}], "unlike": [{"sku": "S3"}], "fallback": True, "k": 5}
    rows = shelf.recommend(query, connection)
    assert len(rows) == 5
    assert "similar" not in {row["source"] for row in rows}
    assert not {"NEW", "S3"} & set(skus(rows))


def test_as_of_leaves_out_what_came_later(shelf: Shelf) -> None:
    moment = (CREATED + timedelta(minutes=100)).isoformat()
    rows = shelf.recommend(like(7, k=1000, as_of=moment))
    assert {row["product_id"] for row in rows} == set(range(1, 102)) - {8}


def test_answers_do_not_depend_on_how_a_default_is_given(shelf: Shelf) -> None:
    plain = shelf.recommend({"like": [{"sku": "S5"}]})
    assert len(plain) == 10
    nothing = dict.fromkeys(
        ("unlike", "strategy", "weights", "k", "filter", "exclude", "score_threshold", "exact", "space", "diversity")
    )
    nothing |= dict.fromkeys(("one_per_variant_group", "rules", "placement", "fallback", "as_of"))
    assert shelf.recommend({"like": [{"sku": "S5", "weight": None}], **nothing}) == plain
    assert shelf.recommend({"like": [{"sku": "S5", "weight": 7.5}], "space": "uneven", "k": 10.0}) == plain


REFUSED: list[tuple[Any, str, str]] = [
    ([], "SM005", "query"),
    ({"likes": []}, "SM005", "likes"),
    ({}, "SM005", "like"),
    ({"like": [], "unlike": []}, "SM005", "like"),
    ({"like": {}}, "SM005", "like"),
    ({"like": [{"sku": "S1"}] * 101}, "SM005", "like"),
    ({"like": ["S1"]}, "SM005", "like[0]"),
    ({"like": [{"sku": "S1"}, {}]}, "SM005", "like[1]"),
    ({"like": [{"sku": "S1", "vector": {"text": [1]}}]}, "SM005", "like[0]"),
    ({"like": [{"sku": "S1", "wieght": 2}]}, "SM005", "like[0].wieght"),
    ({"like": [{"sku": 1}]}, "SM005", "like[0].sku"),
    ({"like": [{"sku": None}]}, "SM005", "like[0].sku"),
    ({"like": [{"sku": "nothing"}]}, "SM001", "like[0].sku"),
    ({"like": [{"sku": "S1", "weight": 0}]}, "SM005", "like[0].weight"),
    ({"like": [{"sku": "S1", "weight": -1}]}, "SM005", "like[0].weight"),
    ({"like": [{"sku": "S1", "weight": 1e300}]}, "SM005", "like[0].weight"),
    ({"like": [{"sku": "S1", "weight": "1"}]}, "SM005", "like[0].weight"),
    ({"unlike": [{"vector": {}}]}, "SM005", "unlike[0].vector"),
    ({"unlike": [{"vector": [1]}]}, "SM005", "unlike[0].vector"),
    ({"unlike": [{"vector": {"smell": [1]}}]}, "SM005", "unlike[0].vector.smell"),
    ({"unlike": [{"vector": {"text": [1, 2]}}]}, "SM005", "unlike[0].vector.text"),
    ({"unlike": [{"vector": {"text": [0] * 24}}]}, "SM005", "unlike[0].vector.text"),
    ({"unlike": [{"vector": {"text": [1e39] * 24}}]}, "SM005", "unlike[0].vector.text"),
    ({"unlike": [{"vector": {"text": ["1"] * 24}}]}, "SM005", "unlike[0].vector.text"),
    ({"unlike": [{"vector": {"text": "[1,2]"}}]}, "SM005", "unlike[0].vector.text"),
    ({"unlike": [{"vector": {"text": [[1] * 24]}}]}, "SM005", "unlike[0].vector.text"),
    ({"unlike": [{"vector": {"reviews": [1]}}]}, "SM005", "unlike[0].vector.reviews"),
    ({"strategy": "worst"}, "SM005", "strategy"),
    ({"strategy": 1}, "SM005", "strategy"),
    ({"like": None, "unlike": [{"sku": "S1"}], "strategy": "best_score"}, "SM005", "like"),
    ({"weights": [1]}, "SM005", "weights"),
    ({"weights": {}}, "SM005", "weights"),
    ({"weights": {"text": 0}}, "SM005", "weights"),
    ({"weights": {"text": -1, "image": 2}}, "SM005", "weights"),
    ({"weights": {"text": "1"}}, "SM005", "weights.text"),
    ({"weights": {"smell": 1}}, "SM005", "weights.smell"),
    ({"weights": {"reviews": 1}}, "SM005", "weights"),
    ({"weights": {"text": 1e300}}, "SM005", "weights.text"),
    ({"k": 0}, "SM005", "k"),
    ({"k": 1001}, "SM005", "k"),
    ({"k": 1.5}, "SM005", "k"),
    ({"k": "10"}, "SM005", "k"),
    ({"k": 1e300}, "SM005", "k"),
    ({"filter": {"field": "smell", "eq": 1}}, "SM005", "filter.field"),
    ({"filter": {"field": "category", "under": "Nowhere"}}, "SM004", "filter.under"),
    ({"exclude": "S1"}, "SM005", "exclude"),
    ({"exclude": [1]}, "SM005", "exclude"),
    ({"exclude": [["S1"]]}, "SM005", "exclude"),
    ({"score_threshold": "0"}, "SM005", "score_threshold"),
    ({"diversity": 1.1}, "SM005", "diversity"),
    ({"diversity": -0.1}, "SM005", "diversity"),
    ({"exact": "yes"}, "SM005", "exact"),
    ({"one_per_variant_group": 1}, "SM005", "one_per_variant_group"),
    ({"rules": "false"}, "SM005", "rules"),
    ({"fallback": 0}, "SM005", "fallback"),
    ({"placement": 7}, "SM005", "placement"),
    ({"as_of": "yesterday"}, "SM005", "as_of"),
    ({"as_of": 5}, "SM005", "as_of"),
    ({"space": "nowhere"}, "SM006", "space"),
    ({"space": 1}, "SM005", "space"),
]


@pytest.mark.parametrize(("query", "state", "column"), REFUSED, ids=str)
def test_what_does_not_fit_is_refused_and_named(
    shelf: Shelf, connection: Connection, query: Any, state: str, column: str
) -> None:
    if isinstance(query, dict) and query.keys() - {"like", "unlike", "likes"}:
        query = {"like": [{"sku": "S1"}], **query}
    with pytest.raises(psycopg.Error) as caught:
        shelf.recommend(query, connection)
    assert (caught.value.sqlstate, caught.value.diag.column_name) == (state, column)
    assert not (caught.value.diag.message_primary or "").startswith(".")
