"""Recommendations for people by SQL against the same rules in Python."""

import json
from datetime import timedelta
from typing import Any

import people_rules as rules
import psycopg
import pytest
from people_fixtures import COUNT, NOW, SIZE, Street, store_shop, store_signals, street
from people_rules import Signal

from backend.database.connection import Database
from backend.errors import InvalidInput

__all__ = ["street"]

Rows = list[dict[str, Any]]
LATER = {"as_of": NOW}


def ask(connection: psycopg.Connection[Any], function: str, first: object, **arguments: object) -> Rows:
    names = ", ".join(["%(first)s", *(f"{name} => %({name})s" for name in arguments)])
    given = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in arguments.items()}
    cursor = connection.execute(f"SELECT * FROM {function}({names})".encode(), {"first": first} | given)
    columns = [column.name for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def expected(street: Street, user: str, exclude: set[int] | None = None, **options: Any) -> list[rules.Chosen]:
    signals = street.shop.of(user, NOW)
    seen = {s.product for s in signals} if exclude is None else exclude
    return rules.choose(street.shop, rules.weigh(signals, NOW), seen, NOW, **options)


def same(found: Rows, wanted: list[rules.Chosen]) -> None:
    assert [row["product_id"] for row in found] == [c.product for c in wanted]
    assert [row["score"] for row in found] == pytest.approx([c.score for c in wanted], abs=2e-5)
    assert [row["source"] for row in found] == [c.source for c in wanted]
    assert [row["interest"] for row in found] == [c.interest for c in wanted]
    assert [row["reason_sku"] for row in found] == [None if c.reason is None else f"S{c.reason}" for c in wanted]
    assert [row["position"] for row in found] == list(range(1, len(found) + 1))
    assert [sum(row["contributions"].values()) for row in found] == pytest.approx([row["score"] for row in found])


@pytest.mark.parametrize("options", [{}, {"w_popularity": 0, "w_together": 0}, {"interests": 1}, {"w_popularity": 0.5}])
def test_everybody_gets_what_the_rules_say(street: Street, options: dict[str, Any]) -> None:
    of_rules = {"most" if name == "interests" else name: value for name, value in options.items()}
    known = 0
    with street.database.read() as connection:
        for user in [f"u{number}" for number in range(0, 40, 3 if options else 1)]:
            found = ask(connection, "recommend_for_user", user, k=30, fallback=False, **LATER, **options)
            wanted = expected(street, user, k=30, **of_rules)
            same(found, wanted)
            known += bool(wanted)
    assert known > (10 if options else 30)


def test_of_ten_places_one_is_for_what_few_had_yet(street: Street) -> None:
    signals = [s for s in street.shop.signals if s.kind in rules.OWNED and s.at <= NOW]
    shown = 0
    with street.database.read() as connection:
        for user in [f"u{number}" for number in range(40)]:
            found = ask(connection, "recommend_for_user", user, k=30, fallback=False, **LATER)
            without = ask(connection, "recommend_for_user", user, k=30, fallback=False, discover=False, **LATER)
            seats = {row["position"]: row for row in found if row["source"] == "discovery"}
            # Each seat before it that was not needed, since its product came earlier, brings it forward by one.
            assert seats.keys() <= {5, 14, 15, 23, 24, 25}
            for row in seats.values():
                assert sum(s.product == row["product_id"] for s in signals) < 5
                assert row["contributions"]["likeness"] >= 0.3
                assert row["reason"] == f"few had it yet, and like {row['reason_title']}"
            others = [row["product_id"] for row in found if row["source"] != "discovery"]
            moved = {row["product_id"] for row in seats.values()}
            assert others == [row["product_id"] for row in without if row["product_id"] not in moved][: len(others)]
            assert "discovery" not in {row["source"] for row in without}
            shown += len(seats)
    assert shown > 20


def test_what_they_have_is_no_discovery(street: Street) -> None:
    with street.database.read() as connection:
        for user in [f"u{number}" for number in range(40)]:
            kept = {"exclude_seen": False, "exclude_bought": False}
            found = ask(connection, "recommend_for_user", user, k=60, fallback=False, **kept, **LATER)
            seen = {s.product for s in street.shop.of(user, NOW)}
            assert not seen & {row["product_id"] for row in found if row["source"] == "discovery"}


def test_a_list_is_the_beginning_of_a_longer_one(street: Street) -> None:
    with street.database.read() as connection:
        for user in ("u1", "u2", "u3"):
            longer = ask(connection, "recommend_for_user", user, k=25, **LATER)
            shorter = ask(connection, "recommend_for_user", user, k=4, **LATER)
            assert longer[:4] == shorter


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("exclude_bought", [True, False])
@pytest.mark.parametrize("interests", [1, 5])
def test_what_is_excluded_is_never_shown(
    street: Street, exclude_seen: bool, exclude_bought: bool, interests: int
) -> None:
    options = {"exclude_seen": exclude_seen, "exclude_bought": exclude_bought, "interests": interests}
    shown_seen = 0
    with street.database.read() as connection:
        for user in [f"u{number}" for number in range(0, 40, 5)]:
            signals = street.shop.of(user, NOW)
            bought = {s.product for s in signals if s.kind in rules.OWNED}
            seen = {s.product for s in signals}
            excluded = (seen if exclude_seen else set()) | (bought if exclude_bought else set()) | {3}
            found = ask(connection, "recommend_for_user", user, k=1000, exclude=["S3"], **LATER, **options)
            ids = [row["product_id"] for row in found]
            assert len(ids) == len(set(ids))
            # The fallback brings everything else that there is.
            assert set(ids) == set(range(1, COUNT + 1)) - excluded
            shown_seen += len(set(ids) & seen)
            same(
                [row for row in found if row["interest"] is not None],
                expected(street, user, excluded, k=1000, most=interests),
            )
    assert (shown_seen > 0) == (not exclude_seen)


def test_a_filter_holds_for_interests_and_for_the_fallback(street: Street) -> None:
    cheap = {"any": [{"field": "price", "lt": 12}, {"field": "price", "gte": 55}]}
    allowed = {p for p in range(1, COUNT + 1) if p < 12 or p >= 55}
    with street.database.read() as connection:
        for user in [f"u{number}" for number in range(0, 40, 3)]:
            found = ask(connection, "recommend_for_user", user, k=50, filter=cheap, **LATER)
            seen = {s.product for s in street.shop.of(user, NOW)}
            assert {row["product_id"] for row in found} == allowed - seen
            by_interest = [row for row in found if row["interest"] is not None]
            same(by_interest, expected(street, user, k=50, allowed=allowed))
        nothing = {"field": "price", "gt": 1000}
        assert ask(connection, "recommend_for_user", "u1", filter=nothing, **LATER) == []
        with pytest.raises(InvalidInput) as refused, street.database.read() as other:
            ask(other, "recommend_for_user", "u1", filter={"field": "colour", "eq": 1})
        assert refused.value.field == "filter.field"


def test_rules_that_hide_hold(street: Street) -> None:
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        first = ask(connection, "recommend_for_user", "u1", **LATER)[0]["sku"]
        connection.execute(
            "INSERT INTO ranking_rules (name, action, filter) VALUES ('away', 'hide', %s)",
            [json.dumps({"field": "sku", "eq": first})],
        )
        assert first not in {row["sku"] for row in ask(connection, "recommend_for_user", "u1", k=1000, **LATER)}
        assert ask(connection, "recommend_for_user", "u1", rules=False, **LATER)[0]["sku"] == first


def test_what_upkeep_counted_answers_the_same(street: Street) -> None:
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        # As if all of it had happened up to now.
        connection.execute("UPDATE events SET occurred_at = occurred_at + (now() - %s)", [NOW])
        connection.execute("UPDATE reviews SET written_at = written_at + (now() - %s)", [NOW])
        users = [f"u{number}" for number in range(0, 40, 4)] + ["nobody"]
        direct = [ask(connection, "recommend_for_user", user, k=60) for user in users]
        connection.execute("SELECT count_popularity(), count_interest(), count_bought_together()")
        counted = [ask(connection, "recommend_for_user", user, k=60) for user in users]
    for one, other in zip(direct, counted, strict=True):
        assert [row["product_id"] for row in one] == [row["product_id"] for row in other]
        assert [row["score"] for row in one] == pytest.approx([row["score"] for row in other], abs=1e-6)
        assert [row["reason"] for row in one] == [row["reason"] for row in other]


def test_one_of_each_variant_group_where_asked(street: Street) -> None:
    with street.database.read() as connection:
        found = ask(connection, "recommend_for_user", "u4", k=1000, one_per_variant_group=True, **LATER)
        everything = ask(connection, "recommend_for_user", "u4", k=1000, **LATER)
    groups = [row["variant_group"] for row in found if row["variant_group"] is not None]
    assert len(groups) == len(set(groups))
    assert {row["variant_group"] for row in everything} == {row["variant_group"] for row in found}
    firsts = {
        row["variant_group"]: row["sku"] for row in reversed(everything) if row["interest"] and row["variant_group"]
    }
    assert all(firsts.get(row["variant_group"], row["sku"]) == row["sku"] for row in found if row["interest"])


def test_ties_go_to_the_lower_id(street: Street) -> None:
    with street.database.write() as connection, connection.transaction(force_rollback=True):
        for other in (18, 15, 12):
            connection.execute(
                "UPDATE product_embeddings SET (text, fused) ="
                " (SELECT text, fused FROM product_embeddings WHERE product_id = 19) WHERE product_id = %s",
                [other],
            )
        session = json.dumps([{"sku": "S20"}])
        found = ask(connection, "recommend_for_session", session, k=60, w_popularity=0, w_together=0)
        ids = [row["product_id"] for row in found if row["product_id"] in (12, 15, 18, 19)]
    assert ids == [12, 15, 18, 19]


def test_reviews_alone_are_taste_enough(server_dsn: str, template: str, tmp_path: Any, street: Street) -> None:
    from small_catalogue import fresh_database

    with fresh_database(server_dsn, template, tmp_path) as (database, _):
        with database.write() as connection:
            store_shop(connection, street.shop.fused, block="reviews")
            store_signals(connection, street.shop.signals)
        with database.read() as connection:
            same(ask(connection, "recommend_for_user", "u1", fallback=False, **LATER), expected(street, "u1"))


def test_before_and_after_a_moment(street: Street) -> None:
    then = NOW - timedelta(days=20)
    with street.database.read() as connection:
        for user in [f"u{number}" for number in range(0, 40, 4)]:
            signals = street.shop.of(user, then)
            earlier = [s for s in street.shop.signals if s.at <= then]
            shop = rules.Shop(street.shop.fused, street.shop.products, earlier)
            found = ask(connection, "recommend_for_user", user, k=20, fallback=False, as_of=then)
            same(found, rules.choose(shop, rules.weigh(signals, then), {s.product for s in signals}, then, k=20))


def test_no_space_of_vectors_is_needed_to_be_told_what_does_not_fit(database: Database) -> None:
    for arguments, field in [
        ({"k": 0}, "k"),
        ({"half_life": 0}, "half_life"),
        ({"half_life": float("nan")}, "half_life"),
        ({"interests": 11}, "interests"),
        ({"w_popularity": -1}, "w_popularity"),
        ({"w_together": float("nan")}, "w_together"),
    ]:
        with pytest.raises(InvalidInput) as refused, database.read() as connection:
            ask(connection, "recommend_for_user", "u1", **arguments)
        assert refused.value.field == field


def test_sizes_are_those_of_the_shop(street: Street) -> None:
    assert len(street.shop.fused) == COUNT - 2
    assert all(len(vector) == SIZE for vector in street.shop.fused.values())
    assert {s.kind for s in street.shop.signals} == {*rules.WEIGHTS, "rating"}
    assert isinstance(street.shop.signals[0], Signal)
