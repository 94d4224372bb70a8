"""Ranking rules: what is stored, what is refused, and when they apply."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from backend.catalog.categories import rename_category
from backend.catalog.products import ProductData, delete_product, put_product
from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput, NotFound
from backend.recommend.rules import (
    Rule,
    RuleData,
    count_all_matches,
    count_matches,
    create_rule,
    delete_rule,
    enable_rule,
    get_rule,
    list_rules,
    matching_skus,
    put_rule,
)

SHIRTS = {"field": "category", "under": "Clothes/Shirts"}
CHEAP = {"field": "price", "lt": 10}
HIDE = RuleData("hide", CHEAP)
BOOST = RuleData("boost", SHIRTS, 0.25)
PIN = RuleData("pin", sku="S1", position=3)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def products(database: Database) -> None:
    """Three shirts and a mug."""
    for number in (1, 2, 3):
        put_product(database, f"S{number}", ProductData("shirt", category="Clothes/Shirts"))
    put_product(database, "M1", ProductData("mug", category="Mugs"))


def active(database: Database, placement: str | None = None, at: datetime | None = None) -> list[str]:
    with database.read() as connection:
        rows = connection.execute(
            "SELECT name FROM active_rules(%s, coalesce(%s::timestamptz, now()))", (placement, at)
        ).fetchall()
    return [row[0] for row in rows]


def test_a_rule_is_stored_read_replaced_and_deleted(database: Database) -> None:
    stored = create_rule(database, "summer-shirts", replace(BOOST, placement="home", note="For May."))
    assert stored == get_rule(database, "summer-shirts") == list_rules(database)[0]
    assert (stored.action, stored.filter, stored.amount, stored.placement) == ("boost", SHIRTS, 0.25, "home")
    assert (stored.state, stored.missing, stored.created_at) == ("active", [], stored.updated_at)
    changed, created = put_rule(database, "summer-shirts", PIN)
    assert (changed.action, changed.filter, changed.amount, changed.sku, changed.position) == (
        "pin",
        None,
        None,
        "S1",
        3,
    )
    assert (created, changed.id, changed.note) == (False, stored.id, "")
    assert changed.updated_at > stored.updated_at
    assert put_rule(database, "summer-shirts", PIN)[0].updated_at == changed.updated_at
    assert put_rule(database, "mugs", replace(HIDE, enabled=False))[1]
    assert [rule.name for rule in list_rules(database)] == ["summer-shirts", "mugs"]
    delete_rule(database, "summer-shirts")
    assert [rule.name for rule in list_rules(database)] == ["mugs"]


@pytest.mark.parametrize(
    "missing",
    [
        lambda database: get_rule(database, "none"),
        lambda database: delete_rule(database, "none"),
        lambda database: enable_rule(database, "none", True),
        lambda database: put_rule(database, "none", HIDE, unchanged_since=NOON),
    ],
)
def test_a_rule_that_is_not_there_is_not_found(database: Database, missing: Callable[[Database], Any]) -> None:
    with pytest.raises(NotFound, match="no rule named none"):
        missing(database)
    assert list_rules(database) == []


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("", HIDE, "name"),
        ("Summer", HIDE, "name"),
        ("-a", HIDE, "name"),
        ("a_b", HIDE, "name"),
        ("a\n", HIDE, "name"),
        ("a" * 101, HIDE, "name"),
        ("a", RuleData("promote", CHEAP), "action"),  # type: ignore[arg-type]  # what SQL may send
        ("a", RuleData("hide"), "filter"),
        ("a", replace(PIN, filter=CHEAP), "filter"),
        ("a", RuleData("boost", SHIRTS), "amount"),
        ("a", RuleData("boost", SHIRTS, 0), "amount"),
        ("a", RuleData("bury", SHIRTS, 1.01), "amount"),
        ("a", RuleData("bury", SHIRTS, float("nan")), "amount"),
        ("a", RuleData("hide", SHIRTS, 0.5), "amount"),
        ("a", RuleData("pin", position=1), "sku"),
        ("a", replace(PIN, sku="gone"), "sku"),
        ("a", replace(HIDE, sku="S1"), "sku"),
        ("a", RuleData("pin", sku="S1"), "position"),
        ("a", replace(PIN, position=0), "position"),
        ("a", replace(PIN, position=1001), "position"),
        ("a", replace(HIDE, position=1), "position"),
        ("a", replace(HIDE, placement=""), "placement"),
        ("a", replace(HIDE, placement=" home"), "placement"),
        ("a", replace(HIDE, starts_at=NOON, ends_at=NOON), "ends_at"),
        ("a", replace(HIDE, starts_at=datetime(1, 1, 1, tzinfo=UTC)), "starts_at"),
        ("a", replace(HIDE, ends_at=datetime(9999, 12, 31, 12, tzinfo=UTC)), "ends_at"),
        ("a", replace(HIDE, note="x" * 2001), "note"),
        ("a", RuleData("hide", {"field": "colour", "eq": "red"}), "filter.field"),
        ("a", RuleData("hide", {"all": [CHEAP, {"field": "price", "lt": "ten"}]}), "filter.all[1].lt"),
        ("a", RuleData("hide", {"not": {"field": "category", "under": "Gone"}}), "filter.not.under"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_not_stored(
    database: Database, name: str, data: RuleData, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_rule(database, name, data)
    assert refused.value.field == field
    put_rule(database, "kept", HIDE)
    with pytest.raises(InvalidInput) as refused:
        put_rule(database, name if field == "name" else "kept", data)
    assert refused.value.field == field
    assert [(rule.name, rule.filter) for rule in list_rules(database)] == [("kept", CHEAP)]


def test_sql_cannot_store_what_cannot_be_compiled_either(database: Database) -> None:
    create_rule(database, "kept", HIDE)
    for statement in (
        "INSERT INTO ranking_rules (name, action, filter) VALUES ('x', 'hide', '{\"field\": \"colour\", \"eq\": 1}')",
        "UPDATE ranking_rules SET filter = '{\"any\": 1}'",
    ):
        with pytest.raises(InvalidInput, match="filter"), database.write() as connection:
            connection.execute(statement.encode())
    for statement in ("UPDATE ranking_rules SET filter = 'null'", "UPDATE ranking_rules SET starts_at = 'infinity'"):
        with pytest.raises(psycopg.errors.CheckViolation), database.write() as connection:
            connection.execute(statement.encode())
    assert get_rule(database, "kept").filter == CHEAP


def test_schedules_are_half_open(database: Database) -> None:
    create_rule(database, "may", replace(HIDE, starts_at=NOON, ends_at=NOON + timedelta(days=1)))
    create_rule(database, "from", replace(HIDE, starts_at=NOON))
    create_rule(database, "until", replace(HIDE, ends_at=NOON))
    moment = timedelta(microseconds=1)
    assert active(database, at=NOON - moment) == ["until"]
    assert active(database, at=NOON) == ["may", "from"]
    assert active(database, at=NOON + timedelta(days=1) - moment) == ["may", "from"]
    assert active(database, at=NOON + timedelta(days=1)) == ["from"]


def test_states_say_why_a_rule_does_not_apply(database: Database) -> None:
    day, now = timedelta(days=1), datetime.now(UTC)
    create_rule(database, "a", HIDE)
    create_rule(database, "b", replace(HIDE, starts_at=now + day))
    create_rule(database, "c", replace(HIDE, ends_at=now - day))
    create_rule(database, "d", replace(HIDE, ends_at=now - day, enabled=False))
    states = [(rule.name, rule.state) for rule in list_rules(database)]
    assert states == [("a", "active"), ("b", "scheduled"), ("c", "ended"), ("d", "disabled")]
    assert active(database) == ["a"]
    enable_rule(database, "a", False)
    assert active(database) == []
    enable_rule(database, "a", True)
    assert active(database) == ["a"]


def test_a_placement_has_its_own_rules_and_those_of_every_placement(database: Database) -> None:
    create_rule(database, "cart", replace(HIDE, placement="cart"))
    create_rule(database, "everywhere", HIDE)
    create_rule(database, "home", replace(HIDE, placement="home"))
    assert active(database) == ["everywhere"]
    assert active(database, "home") == ["everywhere", "home"]
    assert active(database, "cart") == ["cart", "everywhere"]
    assert active(database, "Home") == ["everywhere"]


def test_of_two_who_create_the_same_name_one_is_told_so(database: Database) -> None:
    def create(number: int) -> str:
        try:
            return create_rule(database, "same", replace(HIDE, note=str(number))).note
        except Conflict as error:
            return str(error)

    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(create, range(4)))
    assert told.count("a rule named same exists already") == 3
    assert get_rule(database, "same").note in told


def test_of_two_who_edit_the_same_state_the_second_is_told_so(database: Database) -> None:
    seen = create_rule(database, "a", HIDE).updated_at
    first, _ = put_rule(database, "a", replace(HIDE, note="mine"), unchanged_since=seen)
    with pytest.raises(Conflict, match="changed by somebody else"):
        put_rule(database, "a", replace(HIDE, note="yours"), unchanged_since=seen)
    assert get_rule(database, "a").note == "mine"
    put_rule(database, "a", replace(HIDE, note="yours"), unchanged_since=first.updated_at)
    assert get_rule(database, "a").note == "yours"


def test_a_rule_whose_category_was_renamed_stays_editable_and_says_what_is_missing(database: Database) -> None:
    create_rule(database, "shirts", BOOST)
    rename_category(database, "Clothes/Shirts", "Clothes/Tops")
    rule, _ = put_rule(database, "shirts", replace(BOOST, amount=0.5, enabled=False))
    assert (rule.amount, rule.enabled, rule.missing) == (0.5, False, ["Clothes/Shirts"])
    enable_rule(database, "shirts", True)
    assert count_all_matches(database) == {"shirts": 0}
    # What is written anew must name what there is.
    with pytest.raises(InvalidInput) as refused:
        put_rule(database, "shirts", replace(BOOST, filter={"all": [SHIRTS]}))
    assert refused.value.field == "filter.all[0].under"
    rule, _ = put_rule(database, "shirts", replace(BOOST, filter={"field": "category", "under": "Clothes/Tops"}))
    assert rule.missing == []
    assert count_all_matches(database) == {"shirts": 3}


def test_a_pin_whose_product_was_deleted_stays_editable_and_says_what_is_missing(database: Database) -> None:
    create_rule(database, "pin", PIN)
    delete_product(database, "S1")
    rule, _ = put_rule(database, "pin", replace(PIN, position=9))
    assert (rule.position, rule.missing) == (9, ["S1"])


def test_every_category_that_is_gone_is_named_once(database: Database) -> None:
    put_product(database, "X1", ProductData("x", category="Old"))
    gone = {"field": "category", "under": ["Old", "Clothes"]}
    create_rule(database, "a", RuleData("hide", {"any": [gone, {"not": {"all": [gone]}}]}))
    assert get_rule(database, "a").missing == []
    rename_category(database, "Old", "New")
    assert get_rule(database, "a").missing == ["Old"]


def test_matches_are_counted_and_shown(database: Database, subtests: pytest.Subtests) -> None:
    counted: list[tuple[Mapping[str, Any], int]] = [
        (SHIRTS, 3),
        ({"not": SHIRTS}, 1),
        ({"all": []}, 4),
        ({"any": []}, 0),
        (CHEAP, 0),
    ]
    for filter_, matches in counted:
        with subtests.test(filter=filter_):
            assert count_matches(database, filter_) == len(matching_skus(database, filter_, 10)) == matches
    assert matching_skus(database, SHIRTS, 2) == ["S3", "S2"]
    gone = {"field": "category", "under": "Gone"}
    with pytest.raises(InvalidInput) as refused:
        count_matches(database, gone)
    assert refused.value.field == "filter.under"
    assert (count_matches(database, gone, check_categories=False), matching_skus(database, gone, 5)) == (0, [])
    with pytest.raises(InvalidInput, match="more than 1,000 categories"):
        count_matches(database, {"field": "category", "under": ["Gone"] * 1001}, check_categories=False)


def test_a_rule_survives_a_dump_of_what_it_is(database: Database) -> None:
    """Every column that SQL shows is one that the API shows, so that nothing of a rule is lost on the way."""
    with database.read() as connection:
        columns = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'ranking_rules'"
        ).fetchall()
    assert {name for (name,) in columns} == set(Rule.__dataclass_fields__) - {"state", "missing"}


def test_json_null_is_no_filter_of_a_pin_either(database: Database) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), database.write() as connection:
        connection.execute(
            "INSERT INTO ranking_rules (name, action, sku, position, filter) VALUES ('x', 'pin', 'S1', 1, %s)",
            [Jsonb(None)],
        )
