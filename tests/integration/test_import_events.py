"""Events from CSV and JSON Lines."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from import_fixtures import ask, reported, write_csv, write_jsonl

from backend.catalog.events import EventData, add_events
from backend.catalog.importers import import_products
from backend.catalog.importers.events import import_events
from backend.errors import InvalidInput

EVENT = {"user_id": "u1", "kind": "view", "sku": "A1", "occurred_at": "2024-05-31T12:00:00Z"}
LIST_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
STORED = (
    "SELECT e.user_id, e.kind, p.sku, e.value, e.occurred_at, e.recommendation_id, e.source_id"
    " FROM events e JOIN products p ON p.id = e.product_id ORDER BY e.id"
)


@pytest.fixture
def shop(database, tmp_path):
    """A database with the products A1 and A2."""
    import_products(database, write_csv(tmp_path / "p.csv", [{"sku": sku, "title": "T"} for sku in ("A1", "A2")]))
    return database


def test_every_field_arrives(shop, tmp_path):
    row = {**EVENT, "kind": "Rating", "value": "4.5", "recommendation_id": LIST_ID, "id": "e1", "page": "home"}
    result = import_events(shop, write_csv(tmp_path / "e.csv", [row]))
    assert (result.read, result.inserted, result.bad) == (1, 1, 0)
    moment = datetime(2024, 5, 31, 12, tzinfo=UTC)
    assert ask(shop, STORED) == [("u1", "rating", "A1", 4.5, moment, UUID(LIST_ID), "e1")]


def test_json_lines_and_mapped_columns(shop, tmp_path):
    row = {"who": 7, "what": "purchase", "asin": "A2", "value": 2, "at": 1393545600}
    columns = {"user_id": "who", "kind": "what", "sku": "asin", "occurred_at": "at"}
    import_events(shop, write_jsonl(tmp_path / "e.jsonl", [row]), columns=columns)
    assert [found[:5] for found in ask(shop, STORED)] == [
        ("7", "purchase", "A2", 2.0, datetime(2014, 2, 28, tzinfo=UTC))
    ]


def test_the_same_file_again_stores_nothing(shop, tmp_path):
    rows = [{**EVENT, "sku": f"A{number % 2 + 1}", "user_id": f"u{number // 2}"} for number in range(2500)]
    path = write_csv(tmp_path / "e.csv", rows)
    first, again = import_events(shop, path), import_events(shop, path)
    assert (first.inserted, first.unchanged, again.inserted, again.unchanged) == (2500, 0, 0, 2500)
    more = import_events(shop, write_csv(tmp_path / "f.csv", [*rows, {**EVENT, "kind": "like"}]))
    assert (more.inserted, more.unchanged) == (1, 2500)


def test_an_event_that_came_by_the_other_door_is_the_same(shop, tmp_path):
    add_events(shop, [EventData("u1", "view", "A1", source_id="e1")])
    result = import_events(shop, write_csv(tmp_path / "e.csv", [{**EVENT, "id": "e1"}, {**EVENT, "id": "e2"}]))
    assert (result.inserted, result.unchanged) == (1, 1)


BAD = [
    ({"kind": "bought"}, "kind", "must be one of view, click"),
    ({"kind": "rating"}, "value", "from 1 to 5"),
    ({"kind": "rating", "value": "6"}, "value", "from 1 to 5"),
    ({"value": "many"}, "value", "must be a number"),
    ({"value": "nan"}, "value", "above 0"),
    ({"value": "-2"}, "value", "above 0"),
    ({"sku": "Z9"}, "sku", "no such product"),
    ({"user_id": ""}, "user_id", "is missing"),
    ({"user_id": "x" * 201}, "user_id", "1 to 200 characters"),
    ({"occurred_at": ""}, "occurred_at", "is missing"),
    ({"occurred_at": "soon"}, "occurred_at", "date or time"),
    ({"occurred_at": "2999-01-01"}, "occurred_at", "must not lie ahead"),
    ({"recommendation_id": "7"}, "recommendation_id", "must be a UUID"),
]


def test_bad_lines_are_reported_and_the_others_are_imported(shop, tmp_path):
    rows = [{**EVENT, "value": "", "recommendation_id": "", "id": "good0"}]
    for number, (changed, _, _) in enumerate(BAD, 1):
        rows += [{**rows[0], "id": f"bad{number}", **changed}, {**rows[0], "id": f"good{number}"}]
    result = import_events(shop, write_csv(tmp_path / "e.csv", rows), report=tmp_path / "report.jsonl")
    assert (result.read, result.inserted, result.bad) == (len(rows), len(BAD) + 1, len(BAD))
    entries = sorted(reported(tmp_path / "report.jsonl"), key=lambda entry: entry["line"])
    assert [(entry["line"], entry["field"]) for entry in entries] == [
        (1 + 2 * number, field) for number, (_, field, _) in enumerate(BAD, 1)
    ]
    for entry, (_, _, reason) in zip(entries, BAD, strict=True):
        assert reason in entry["reason"]


def test_a_file_without_times_is_one_error(shop, tmp_path):
    path = write_csv(tmp_path / "e.csv", [{"user_id": "u", "kind": "view", "sku": "A1"}])
    with pytest.raises(InvalidInput, match="no column for occurred_at"):
        import_events(shop, path)
