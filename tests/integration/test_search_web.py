"""The search page: words, a visitor's photograph, and facets that say how many products a step leaves."""

from collections.abc import Callable
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from web_fixtures import Page, read, shop
from werkzeug.test import TestResponse

from backend.database.connection import Database
from backend.recommend.search import Search, search
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from tests.pictures import jpeg

__all__ = ["shop"]

RED_MUG = 0xD03020 + 16


@pytest.fixture
def stocked(shop: FlaskClient, drain: Callable[[], int]) -> FlaskClient:
    """The small shop, embedded."""
    drain()
    return shop


def send(client: FlaskClient, photo: bytes | None, **fields: str) -> TestResponse:
    """The form with a photograph, as a browser sends it."""
    data: dict[str, object] = dict(fields)
    data["photo"] = (BytesIO(photo or b""), "mine.jpg" if photo else "")
    return client.post("/search", data=data, content_type="multipart/form-data")


def steps(page: Page) -> list[str]:
    """Query strings of the steps to other searches, as links or as buttons."""
    links = [urlsplit(link).query for link in page.links("/search?")]
    return links + [given["value"] or "" for tag, given in page.tags if tag == "button" and given.get("name") == "go"]


def test_words_are_answered_as_the_ranking_does(stocked: FlaskClient, database: Database) -> None:
    found = search(database, Embedder(), Search(text="blue linen shirt", k=24)).items
    page = read(stocked, "/search?q=blue+linen+shirt")
    assert page.cards == [item.sku for item in found]
    assert page.cards[0] == "P02"
    assert page.fields["q"] == "blue linen shirt"
    assert "words #1 · meaning #1" in page.text
    assert "1 product has all the words" in page.text


def test_filters_narrow_what_is_found(stocked: FlaskClient) -> None:
    assert set(read(stocked, "/search?q=blue&in=Home").cards) == {f"P{number}" for number in range(16, 21)}
    assert set(read(stocked, "/search?q=blue&price=50-80").cards) == {"P05", "P06", "P07"}
    assert set(read(stocked, "/search?q=blue&in=Home&stock=1").cards) == {"P16", "P17", "P19", "P20"}
    assert read(stocked, "/search?q=blue&brand=Nobody").cards == []
    assert len(read(stocked, "/search?q=blue&brand=Nobody&brand=Atelier+Nord").cards) == 20


@pytest.mark.parametrize("query", ["q=shirt+or+mug", "q=mug&in=Home", "q=linen+or+wool&stock=1", "q=-mug", "q=absent"])
def test_a_step_leaves_as_many_as_it_says(stocked: FlaskClient, query: str) -> None:
    page = read(stocked, f"/search?{query}")
    narrower = [step for step in steps(page) if len(step) > len(query)]
    assert narrower
    for step in narrower:
        shown = next(
            text for tag, text in links_with_text(stocked.get(f"/search?{query}").text) if urlsplit(tag).query == step
        )
        left = read(stocked, f"/search?{step}")
        words = parse_qs(query)["q"][0]
        number = int(shown.rsplit(" ", 1)[1])
        if words == "absent":
            assert len(left.cards) == number
            assert "no product here has the word" in left.text
        else:
            assert f"{number} product{'' if number == 1 else 's'} ha" in left.text


def links_with_text(html: str) -> list[tuple[str, str]]:
    """Address and text of the links of a page."""
    found = []
    for part in html.split("<a ")[1:]:
        tag, _, rest = part.partition(">")
        address = Page(f"<a {tag}>").links()
        found.append((address[0] if address else "", Page(rest.partition("</a>")[0]).text))
    return found


def test_what_is_chosen_can_be_taken_away(stocked: FlaskClient) -> None:
    page = read(stocked, "/search?q=red&in=Clothes/Shirts&brand=Atelier+Nord&price=10-50&stock=1")
    taken = {step: parse_qs(step) for step in steps(page)}
    whole = {"q", "in", "brand", "price", "stock"}
    assert {frozenset(whole - given.keys()) for given in taken.values()} >= {
        frozenset({name}) for name in whole - {"q"}
    }
    assert any(given["in"] == ["Clothes"] for given in taken.values() if "in" in given)


def test_nothing_that_fits_says_so(stocked: FlaskClient) -> None:
    page = read(stocked, "/search?q=red&price=9000-")
    assert page.cards == []
    assert "Take one of them away" in page.text


def test_more_are_shown_on_request(stocked: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Show more" not in read(stocked, "/search?q=red").text
    monkeypatch.setattr("backend.web.narrowing.CARDS", 5)
    monkeypatch.setattr("backend.web.narrowing.Narrowing.shown", 5, raising=False)
    page = read(stocked, "/search?q=red&show=5")
    assert len(page.cards) == 5
    (more,) = [step for step in steps(page) if "show=10" in step]
    assert read(stocked, f"/search?{more}").cards[:5] == page.cards


def test_words_are_found_before_anything_is_embedded(shop: FlaskClient, drain: Callable[[], int]) -> None:
    page = read(shop, "/search?q=blue")
    assert "20 products are still being embedded" in page.text
    assert set(page.cards) == {"P02", "P07", "P12", "P17"}
    drain()
    assert "being embedded" not in read(shop, "/search?q=blue").text


def test_without_words_the_page_is_a_form(stocked: FlaskClient) -> None:
    page = read(stocked, "/search?q=++")
    assert page.cards == []
    assert ("input", "file") in [(tag, given.get("type")) for tag, given in page.tags]
    (form,) = [given for tag, given in page.tags if tag == "form" and given.get("method") == "post"]
    assert form["enctype"] == "multipart/form-data"


def test_a_photograph_finds_what_looks_like_it(stocked: FlaskClient) -> None:
    response = send(stocked, jpeg(RED_MUG, 100))
    assert response.status_code == 200
    page = Page(response.text)
    assert page.cards[0] == "P16"
    assert len(page.cards) == 20
    assert "Like your photo" in page.text


def test_a_photograph_and_words_count_both(stocked: FlaskClient, database: Database) -> None:
    photo = jpeg(RED_MUG, 100)
    expected = search(database, Embedder(), Search(text="running shoe", image=photo, k=24)).items
    page = Page(send(stocked, photo, q="running shoe").text)
    assert page.cards == [item.sku for item in expected]
    assert "“running shoe” and your photo" in page.text


def test_a_photograph_is_narrowed_without_sending_it_again(stocked: FlaskClient) -> None:
    page = Page(send(stocked, jpeg(RED_MUG, 100)).text)
    assert {"looks", "space"} <= page.fields.keys()
    step = next(step for step in steps(page) if parse_qs(step).get("in") == ["Shoes"])
    carried = {"looks": page.fields["looks"], "space": page.fields["space"]}
    narrowed = Page(stocked.post("/search", data=carried | {"go": step}).text)
    assert narrowed.cards == [sku for sku in page.cards if "P11" <= sku <= "P15"]
    assert narrowed.cards[0] == "P11"
    assert narrowed.fields["looks"] == page.fields["looks"]
    # The same photograph with words.
    assert "“mug” and your photo" in Page(stocked.post("/search", data=carried | {"q": "mug"}).text).text


def test_the_photograph_is_stored_nowhere(stocked: FlaskClient, database: Database, settings: Settings) -> None:
    def state() -> tuple[object, ...]:
        with database.read() as connection:
            images = connection.execute("SELECT count(*), max(created_at) FROM product_images").fetchone()
        return images, sorted(path.name for path in settings.home.rglob("*"))

    before = state()
    assert send(stocked, jpeg(RED_MUG, 100)).status_code == 200
    assert state() == before


def test_words_sent_by_the_form_get_an_address(stocked: FlaskClient) -> None:
    response = send(stocked, None, q="red mug")
    assert (response.status_code, response.location) == (303, "/search?q=red+mug")
    assert send(stocked, None).location == "/search"


@pytest.mark.parametrize("content", [b"not a picture", jpeg(1, 300)[:200]])
def test_an_unreadable_photograph_is_said_beside_the_form(stocked: FlaskClient, content: bytes) -> None:
    response = send(stocked, content, q="red")
    assert response.status_code == 422
    page = Page(response.text)
    assert page.fields["q"] == "red"
    assert [given["id"] for tag, given in page.tags if given.get("role") == "alert"] == ["ask-problem"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"q={'x' * 501}", "longer than 500"),
        ("q=red&price=cheap", "10-20"),
        ("q=red&price=-", "10-20"),
        ("q=red&show=5", "from 24 to 240"),
        ("q=red&show=1000", "from 24 to 240"),
        ("q=red&show=many", "from 24 to 240"),
        (f"q=red&show=24{'0' * 5000}", "from 24 to 240"),
        ("q=blue&in=Nowhere", "There is no category Nowhere"),
        ("q=%00", "NUL"),
        ("q=blue&in=%00", "NUL"),
        ("q=blue&brand=A&brand=%00", "NUL"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(stocked: FlaskClient, query: str, said: str) -> None:
    assert said in read(stocked, f"/search?{query}", 400).text


@pytest.mark.parametrize(
    "carried",
    [
        {"looks": "nonsense!", "space": "default"},
        {"looks": "AAAA", "space": "default"},
        {"looks": "AHwAfA==", "space": "default"},
        {"looks": "ADwAPA==", "space": "default"},
        {"looks": "ADwAPA==", "space": "nowhere"},
        {"looks": "ADwAPA==", "space": ""},
    ],
)
def test_looks_that_are_none_of_ours_are_refused(stocked: FlaskClient, carried: dict[str, str]) -> None:
    assert stocked.post("/search", data=carried).status_code == 400
