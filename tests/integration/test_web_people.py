"""What the pages know of a visitor, show because of it, and forget."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from web_fixtures import Page, read, shop

from backend.catalog.events import EventData, add_events
from backend.catalog.reviews import ReviewData, add_review
from backend.database.connection import Database
from backend.web import visitor
from backend.web.visitor import COOKIE

__all__ = ["shop"]

HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def _one_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """A view is stored once in an hour of the clock, and a test may run from one into the next."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Stopped":
            return cls(2026, 5, 4, 12, tzinfo=tz)

    monkeypatch.setattr(visitor, "datetime", Stopped)


def done(database: Database) -> list[tuple[Any, ...]]:
    """Person, kind, sku and list of all events, in the order in which they were stored."""
    with database.read() as connection:
        return connection.execute(
            "SELECT e.user_id, e.kind, p.sku, e.recommendation_id FROM events e JOIN products p ON p.id = e.product_id"
            " ORDER BY e.id"
        ).fetchall()


def key_of(shop: FlaskClient) -> str:
    cookie = shop.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def like(shop: FlaskClient, sku: str, **more: str) -> Page:
    response = shop.post("/you/likes", data={"sku": sku, **more}, headers=HERE)
    assert response.status_code == 303, response.text
    return read(shop, response.location)


def test_a_product_that_is_looked_at_is_a_view_once_an_hour(shop: FlaskClient, database: Database) -> None:
    read(shop, "/")
    key = key_of(shop)
    for sku in ("P01", "P02", "P01"):
        read(shop, f"/p/{sku}")
    assert done(database) == [(key, "view", "P01", None), (key, "view", "P02", None)]


def test_the_cookie_is_one_that_no_script_reads_and_no_other_site_sends(shop: FlaskClient) -> None:
    header = shop.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Secure" not in header
    secure = shop.application.test_client().get("/", base_url="https://shop.example").headers["Set-Cookie"]
    assert "Secure" in secure
    assert "Set-Cookie" not in shop.get("/c/Clothes").headers
    for path in ("/admin", "/p/P01/photo", "/p/P01/similar", "/v1/products", "/nowhere"):
        assert "Set-Cookie" not in shop.application.test_client().get(path).headers


def test_nothing_is_kept_of_who_sends_no_cookie_or_asks_not_to_be_followed(
    shop: FlaskClient, database: Database
) -> None:
    for _ in range(3):
        read(shop.application.test_client(use_cookies=False), "/p/P01")
    read(shop, "/")
    for header in ("Sec-GPC", "DNT"):
        assert shop.get("/p/P01", headers={header: "1"}).status_code == 200
        assert "Set-Cookie" not in shop.application.test_client().get("/p/P01", headers={header: "1"}).headers
    assert shop.get("/p/P01", headers={"Sec-Purpose": "prefetch"}).status_code == 200
    shop.head("/p/P01")
    assert done(database) == []


def test_nobody_becomes_a_user_of_the_shop_by_a_cookie(shop: FlaskClient, database: Database) -> None:
    add_events(database, [EventData("u1", "like", "P02")])
    for value in ("u1", "visitor-1", "visitor-" + "0" * 33):
        shop.set_cookie(COOKIE, value)
        assert "What you looked at" not in read(shop, "/you").text
        assert key_of(shop) != value
    assert len(done(database)) == 1


def test_a_like_is_stored_once_and_taken_back(shop: FlaskClient, database: Database) -> None:
    page = read(shop, "/p/P01")
    assert "You like this" not in page.text
    assert page.fields["sku"] == "P01"
    for _ in range(2):
        page = like(shop, "P01")
        assert "You like this" in page.text
    assert [event[1:3] for event in done(database) if event[1] == "like"] == [("like", "P01")]
    assert page.fields["undo"] == "1"
    assert "You like this" not in like(shop, "P01", undo="1").text
    assert [event for event in done(database) if event[1] == "like"] == []


def test_a_form_of_another_site_neither_likes_nor_forgets(shop: FlaskClient, database: Database) -> None:
    read(shop, "/")
    read(shop, "/p/P01")
    for path in ("/you/likes", "/you/forget", "/admin/people/forget"):
        response = shop.post(path, data={"sku": "P02", "user": key_of(shop), "sure": "1"})
        assert response.status_code == 403, path
    assert len(done(database)) == 1
    assert shop.post("/you/likes", data={"sku": "nothing"}, headers=HERE).status_code == 404


def test_for_you_says_what_led_to_each_and_leaves_out_what_was_seen(
    shop: FlaskClient, drain: Callable[[], int]
) -> None:
    drain()
    read(shop, "/")
    like(shop, "P01")
    page = read(shop, "/you")
    cards = [link for link in page.links("/p/") if "from=" in link]
    assert cards
    assert not any(link.startswith("/p/P01?") for link in cards)
    assert "because you liked red linen shirt" in page.text
    assert "/p/P01" in page.links("/p/")


def test_a_click_on_a_recommendation_names_the_list(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    drain()
    read(shop, "/")
    like(shop, "P01")
    before = len(done(database))
    link = next(link for link in read(shop, "/you").links("/p/") if "from=" in link)
    read(shop, link)
    ((_, kind, sku, list_id),) = done(database)[before:]
    assert (kind, link) == ("click", f"/p/{sku}?from={list_id}")
    with database.read() as connection:
        assert connection.execute("SELECT kind FROM recommendations WHERE id = %s", [list_id]).fetchall() == [("user",)]
    read(shop, "/p/P02?from=nonsense")
    assert done(database)[-1][1:] == ("view", "P02", None)


def test_somebody_new_sees_what_is_popular_and_new_and_is_told_so(shop: FlaskClient, database: Database) -> None:
    add_events(database, [EventData(f"u{number}", "purchase", "P07") for number in range(5)])
    page = read(shop, "/you")
    assert "We know nothing of you yet" in page.text
    assert "Popular with others" in page.text or "Wanted more than usual" in page.text
    assert "New in the shop" in page.text
    assert page.links("/p/")[0].startswith("/p/P07?")


def test_forget_me_leaves_nothing(shop: FlaskClient, database: Database) -> None:
    read(shop, "/")
    read(shop, "/p/P01")
    like(shop, "P02")
    key = key_of(shop)
    add_events(database, [EventData("u1", "view", "P03")])
    response = shop.post("/you/forget", headers=HERE)
    assert (response.status_code, shop.get_cookie(COOKIE)) == (303, None)
    page = read(shop, response.location)
    assert "Forgotten" in page.text
    assert "What you looked at" not in page.text
    assert [event[0] for event in done(database)] == ["u1"]
    assert key_of(shop) != key


def test_the_front_page_shows_what_is_popular_and_trending_first(shop: FlaskClient, database: Database) -> None:
    add_events(database, [EventData(f"u{number}", "purchase", f"P{3 + number % 2:02}") for number in range(9)])
    page = read(shop, "/")
    assert page.cards[:4] == ["P03", "P04", "P03", "P04"]
    assert page.cards[4:] == [f"P{number:02}" for number in range(20, 0, -1)]
    assert page.text.index("Popular") < page.text.index("Wanted more than usual") < page.text.index("New on the shelf")


def test_a_product_page_shows_what_is_bought_with_it_and_what_is_better_reviewed(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    people = [EventData(f"u{number}", "purchase", sku) for number in range(4) for sku in ("P01", "P16")]
    add_events(database, people)
    for sku, stars in (("P01", 2), ("P02", 5), ("P03", 1)):
        for number in range(6):
            add_review(database, sku, ReviewData(stars, f"{sku} {number}"))
    pending = read(shop, "/p/P01")
    assert "better reviewed" not in pending.text
    drain()
    text = shop.get("/p/P01").text
    together = Page(text[text.index('id="together"') : text.index('id="better"')])
    assert together.cards == ["P16"]
    better = Page(text[text.index('id="better"') : text.index('id="reviews"')])
    assert better.cards[0] == "P02"
    assert "P03" not in better.cards
    assert "stars better" in better.text
    assert "Bought together" not in read(shop, "/p/P09").text


def test_reviews_of_a_product_are_searched_on_its_page(shop: FlaskClient, database: Database) -> None:
    for number, body in enumerate(("Runs small at the shoulders.", "Lovely colour.", "The colour faded, sadly.")):
        add_review(database, "P01", ReviewData(5 - number, f"Title {number}", body))
    add_review(database, "P02", ReviewData(5, "Other", "The colour of another product."))
    page = read(shop, "/p/P01?said=colour")
    assert "2 reviews found for “colour”" in page.text
    assert ("Title 1" in page.text, "Title 2" in page.text, "Title 0" in page.text) == (True, True, False)
    assert "another product" not in page.text
    assert page.fields["said"] == "colour"
    assert "0 reviews found" in read(shop, "/p/P01?said=zipper").text
    for nasty in ("%00", "!!!", "-", "%22", "'", "x" * 3000):
        assert read(shop, f"/p/P01?said={nasty}")


def test_the_page_of_a_person_has_history_interests_and_recommendations(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    drain()
    add_events(database, [EventData("kim", "like", "P01"), EventData("kim", "rating", "P16", 5)])
    assert "Open" in read(shop, "/admin/people").text
    page = read(shop, "/admin/people?user=kim")
    for part in ("red linen shirt", "like", "rating", "% of the taste", "because you liked", "likeness"):
        assert part in page.text, part
    assert "Nothing is known of nobody" in read(shop, "/admin/people?user=nobody").text
    assert "/admin/people" in read(shop, "/admin").links()


def test_an_admin_forgets_a_person_where_the_box_is_ticked(shop: FlaskClient, database: Database) -> None:
    add_events(database, [EventData("kim", "like", "P01"), EventData("lee", "like", "P01")])
    unsure = shop.post("/admin/people/forget", data={"user": "kim"}, headers=HERE)
    assert unsure.location.startswith("/admin/people?user=kim")
    assert len(done(database)) == 2
    response = shop.post("/admin/people/forget", data={"user": "kim", "sure": "1"}, headers=HERE)
    assert "1 event deleted, 0 reviews by nobody" in read(shop, response.location).text
    assert [event[0] for event in done(database)] == ["lee"]


def test_pages_are_shown_where_what_was_seen_cannot_be_stored(
    shop: FlaskClient, database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.errors import Conflict
    from backend.web import visitor

    def fail(*_arguments: object) -> None:
        raise Conflict("products of these events are being deleted: send the events again")

    read(shop, "/")
    monkeypatch.setattr(visitor, "add_events", fail)
    assert "red linen shirt" in read(shop, "/p/P01").text
    assert "a view of product P01 is not stored" in caplog.text


def test_markup_and_odd_keys_are_shown_and_not_run(shop: FlaskClient, database: Database) -> None:
    nasty = f'<script>alert("{uuid4()}")</script>'
    add_events(database, [EventData(nasty, "view", "P01")])
    for path in (f"/admin/people?user={nasty}", "/p/P01?said=<script>alert(1)</script>"):
        response = shop.get(path)
        assert response.status_code == 200
        assert "<script>" not in response.text
