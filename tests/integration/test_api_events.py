"""What people do, over HTTP: sent one by one or in bulk, listed, and forgotten."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from api_fixtures import ConformingClient, app, client, conforming_client

from backend.catalog.events import EventData, add_events
from backend.catalog.reviews import ReviewData, add_review
from backend.database.connection import Database

__all__ = ["app", "client"]

EVENT = {"user_id": "u1", "kind": "view", "sku": "A1"}
PATH = "/v1/events"


@pytest.fixture(autouse=True)
def products(client: ConformingClient) -> None:
    items = [{"sku": f"A{number}", "title": f"Shirt {number}"} for number in range(1, 4)]
    client.post("/v1/products:bulk", json={"items": items})


def stored(client: ConformingClient, user: str = "u1") -> list[dict[str, Any]]:
    return list(client.get(f"/v1/users/{user}/events?limit=1000").json["items"])


def test_one_event_is_stored_with_all_that_was_sent(client: ConformingClient) -> None:
    list_id = str(uuid4())
    sent = {
        **EVENT,
        "kind": "rating",
        "value": 4.5,
        "occurred_at": "2026-05-01T12:00:00+02:00",
        "recommendation_id": list_id,
        "id": "e1",
    }
    answer = client.post(PATH, json=sent)
    assert (answer.status_code, answer.json) == (200, {"stored": 1, "repeated": 0, "refused": 0, "problems": []})
    assert stored(client) == [
        {
            "sku": "A1",
            "kind": "rating",
            "value": 4.5,
            "occurred_at": "2026-05-01T10:00:00Z",
            "recommendation_id": list_id,
            "id": "e1",
        }
    ]


def test_without_a_time_it_happened_now(client: ConformingClient) -> None:
    before = datetime.now(UTC)
    client.post(PATH, json=EVENT)
    (event,) = stored(client)
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(event["occurred_at"]) <= datetime.now(UTC)
    assert (event["value"], event["recommendation_id"], event["id"]) == (None, None, None)


def test_a_request_that_is_sent_again_stores_each_event_with_an_id_once(client: ConformingClient) -> None:
    events = [{**EVENT, "id": f"e{number}", "sku": f"A{number % 3 + 1}"} for number in range(30)] + [EVENT]
    assert client.post(PATH, json={"events": events}).json["stored"] == 31
    again = client.post(PATH, json={"events": events}).json
    assert (again["stored"], again["repeated"], again["refused"]) == (1, 30, 0)
    assert len(stored(client)) == 32


def test_the_same_id_twice_in_one_request_is_stored_once(client: ConformingClient) -> None:
    answer = client.post(PATH, json={"events": [{**EVENT, "id": "e1"}, {**EVENT, "kind": "like", "id": "e1"}]}).json
    assert (answer["stored"], answer["repeated"]) == (1, 1)
    assert [event["kind"] for event in stored(client)] == ["view"]


def test_requests_with_the_same_ids_at_the_same_moment_store_each_once(client: ConformingClient) -> None:
    events = [{**EVENT, "id": f"e{number}", "sku": f"A{number % 3 + 1}"} for number in range(400)]

    def send(number: int) -> int:
        shuffled = events[number * 50 :] + events[: number * 50]
        answer = conforming_client(client.application).post(PATH, json={"events": shuffled})
        assert answer.status_code == 200, answer.text
        return int(answer.json["stored"])

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(send, range(6))) == 400
    assert len(stored(client)) == 400


BAD: list[tuple[Any, str]] = [
    ({"kind": "bought"}, "kind"),
    ({"kind": "rating"}, "value"),
    ({"kind": "rating", "value": 0.5}, "value"),
    ({"kind": "rating", "value": 5.5}, "value"),
    ({"value": 0}, "value"),
    ({"value": -1}, "value"),
    ({"value": 1e300}, "value"),
    ({"value": 1e-40}, "value"),
    ({"value": "3"}, "value"),
    ({"value": True}, "value"),
    ({"sku": "nothing"}, "sku"),
    ({"sku": ""}, "sku"),
    ({"sku": "a\0b"}, "sku"),
    ({"user_id": ""}, "user_id"),
    ({"user_id": "  "}, "user_id"),
    ({"user_id": "x" * 201}, "user_id"),
    ({"user_id": "a\0b"}, "user_id"),
    ({"user_id": 7}, "user_id"),
    ({"id": ""}, "id"),
    ({"occurred_at": "yesterday"}, "occurred_at"),
    ({"occurred_at": "2026-05-01T12:00:00"}, "occurred_at"),
    ({"occurred_at": 1_700_000_000}, "occurred_at"),
    ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
    ({"occurred_at": "1969-12-31T00:00:00Z"}, "occurred_at"),
    ({"occurred_at": "1714564800"}, "occurred_at"),
    ({"recommendation_id": "the last one"}, "recommendation_id"),
    ({"session": "s1"}, "session"),
]


def test_each_bad_event_is_named_by_place_and_field_and_the_others_are_stored(client: ConformingClient) -> None:
    events: list[Any] = [{**EVENT, "id": "first"}]
    for number, (changes, _) in enumerate(BAD):
        events += [{**EVENT, **changes}, {**EVENT, "id": f"good{number}"}]
    events += ["view", None, {}]
    answer = client.post(PATH, json={"events": events})
    assert answer.status_code == 200
    assert (answer.json["stored"], answer.json["refused"]) == (1 + len(BAD), len(BAD) + 3)
    assert len(stored(client)) == 1 + len(BAD)
    named = [(problem["index"], problem["field"]) for problem in answer.json["problems"]]
    assert named[: len(BAD)] == [(1 + 2 * number, field) for number, (_, field) in enumerate(BAD)]
    last = 1 + 2 * len(BAD)
    assert named[len(BAD) :] == [(last, ""), (last + 1, "")] + [(last + 2, name) for name in ("user_id", "kind", "sku")]
    assert all(problem["message"] for problem in answer.json["problems"])


def test_one_event_by_itself_that_does_not_fit_is_an_error(client: ConformingClient, subtests: pytest.Subtests) -> None:
    for changes, field in BAD:
        with subtests.test(changes=changes):
            answer = client.post(PATH, json={**EVENT, **changes})
            assert answer.status_code == 400
            assert [error["field"] for error in answer.json["errors"]] == [field]
    assert client.post(PATH, json={}).json["errors"] == [{"field": "events", "message": "is required"}]
    assert client.post(PATH, json={"events": [], "user_id": "u1"}).json["errors"][0]["field"] == "user_id"
    assert stored(client) == []


def test_lines_of_ndjson_are_events(client: ConformingClient) -> None:
    lines = [json.dumps({**EVENT, "id": "e1"}), "", "no json", json.dumps({**EVENT, "kind": "x"}), json.dumps(EVENT)]
    answer = client.post(PATH, data="\n".join(lines) + "\r\n", content_type="application/x-ndjson")
    assert (answer.status_code, answer.json["stored"], answer.json["refused"]) == (200, 2, 2)
    assert [(problem["index"], problem["field"]) for problem in answer.json["problems"]] == [(1, ""), (2, "kind")]
    too_many = client.post(PATH, data="{}\n" * 10_001, content_type="application/x-ndjson")
    assert (too_many.status_code, too_many.json["errors"][0]["field"]) == (400, "events")


def test_a_text_that_no_database_holds_is_refused_alone(database: Database, client: ConformingClient) -> None:
    events = [EventData("u1", "view", "A1"), EventData("u1", "view", "\ud800"), EventData("\udfff", "view", "A1")]
    outcome = add_events(database, events)
    assert outcome.stored == 1
    assert [(problem.index, problem.field) for problem in outcome.problems] == [(1, "sku"), (2, "user_id")]


def test_more_than_10_000_events_are_refused_as_a_whole(client: ConformingClient) -> None:
    answer = client.post(PATH, json={"events": [EVENT] * 10_001})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "events")
    assert stored(client) == []


def test_10_000_events_are_one_request(client: ConformingClient) -> None:
    events = [{**EVENT, "user_id": f"u{number % 100}", "id": str(number)} for number in range(10_000)]
    assert client.post(PATH, json={"events": events}).json["stored"] == 10_000


def is_waiting(database: Database) -> bool:
    """Whether a session of this database waits for a lock."""
    with database.read() as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchall()
    return bool(found)


def test_a_product_that_goes_meanwhile_costs_the_other_events_nothing(
    client: ConformingClient, database: Database
) -> None:
    events = [EventData("u1", "view", f"A{number % 3 + 1}") for number in range(3000)]
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database.dsn) as deleting:
        deleting.execute("DELETE FROM products WHERE sku = 'A2'")
        # It waits for the row that is going, and its statement fails when that is gone.
        sent = pool.submit(add_events, database, events)
        deadline = time.monotonic() + 60
        while not is_waiting(database):
            assert not sent.done()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        deleting.commit()
        outcome = sent.result()
    assert (outcome.stored, len(outcome.problems)) == (2000, 1000)


def test_events_are_listed_latest_first_and_paged_without_gaps(client: ConformingClient) -> None:
    times = [f"2026-05-01T12:00:{number % 10:02}Z" for number in range(25)]
    events = [{**EVENT, "occurred_at": moment, "id": f"{number:02}"} for number, moment in enumerate(times)]
    client.post(PATH, json={"events": [*events, {**EVENT, "user_id": "u2"}]})
    found: list[dict[str, Any]] = []
    cursor = None
    while cursor is not None or not found:
        page = client.get("/v1/users/u1/events", query_string={"limit": 7} | ({"cursor": cursor} if cursor else {}))
        found += page.json["items"]
        cursor = page.json["next_cursor"]
    expected = sorted(range(25), key=lambda number: (times[number], number), reverse=True)
    assert [int(event["id"]) for event in found] == expected
    other = client.get("/v1/products?limit=1").json["next_cursor"]
    assert client.get("/v1/users/u1/events", query_string={"cursor": other}).status_code == 400
    assert client.get("/v1/users/nobody/events").json == {"items": [], "next_cursor": None}


def test_a_person_is_forgotten_and_nobody_else(client: ConformingClient, database: Database) -> None:
    client.post(PATH, json={"events": [EVENT, EVENT, {**EVENT, "user_id": "u2"}]})
    for number, user in enumerate(("u1", "u2")):
        add_review(database, "A1", ReviewData(rating=5, title="Fine", author=f"Kim {user}", source_id=str(number)))
    with database.write() as connection:
        connection.execute("UPDATE reviews SET user_id = right(author, 2)")
    assert client.delete("/v1/users/u1").json == {"events": 2, "reviews": 1}
    assert stored(client) == []
    assert len(stored(client, "u2")) == 1
    authors = {item["author"] for item in client.get("/v1/products/A1/reviews").json["items"]}
    assert authors == {None, "Kim u2"}
    assert client.delete("/v1/users/u1").json == {"events": 0, "reviews": 0}


def test_metrics_count_the_events_of_the_last_hour_by_kind(client: ConformingClient) -> None:
    old = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    client.post(PATH, json={"events": [EVENT, EVENT, {**EVENT, "kind": "cart"}, {**EVENT, "occurred_at": old}]})
    lines = client.get("/metrics").text.splitlines()
    found = {line for line in lines if line.startswith("shelfmate_events_hour{")}
    assert {'shelfmate_events_hour{kind="view"} 2.0', 'shelfmate_events_hour{kind="cart"} 1.0'} < found
    assert 'shelfmate_events_hour{kind="purchase"} 0.0' in found


def test_sql_that_stores_an_event_without_sense_is_refused(database: Database, subtests: pytest.Subtests) -> None:
    statement = "INSERT INTO events (product_id, user_id, kind, value) SELECT min(id), %s, %s, %s FROM products"
    for user, kind, value in [
        ("", "view", None),
        ("u", "rating", None),
        ("u", "rating", 6),
        ("u", "rating", float("nan")),
        ("u", "view", 0),
        ("u", "view", float("nan")),
        ("u", "buy", None),
    ]:
        with (
            subtests.test(user=user, kind=kind, value=value),
            pytest.raises(psycopg.errors.CheckViolation),
            database.write() as connection,
        ):
            connection.execute(statement, [user, kind, value])
