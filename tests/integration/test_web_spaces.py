"""The admin's pages of spaces and the shop on trial, as a browser without scripts uses them."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from shadow_fixtures import building_space, shadow_space
from web_fixtures import Page, read, shop
from werkzeug.test import TestResponse

from backend.catalog.products import ProductData, put_product
from backend.database.connection import Database
from backend.spaces.models import SpaceModel, store_models
from backend.spaces.plans import list_plans, request_plan
from backend.spaces.recipe import Recipe
from backend.spaces.space import active_space, list_spaces

__all__ = ["shop"]

HERE = {"Sec-Fetch-Site": "same-origin"}
FITTED = Recipe(text="hashing:64", image=None, text_projection="pca:16", text_weight=1, image_weight=0)


def send(client: FlaskClient, path: str, fields: dict[str, str] | None = None, status: int = 303) -> TestResponse:
    response = client.post(path, data=fields or {}, headers=HERE)
    assert response.status_code == status, response.text
    return response


def follow(client: FlaskClient, response: TestResponse) -> Page:
    return read(client, response.headers["Location"])


def test_a_space_is_made_from_its_parts_filled_and_activated(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    drain()
    assert "/admin/spaces/new" in read(shop, "/admin/spaces").links("/admin/spaces")
    fields = {"name": "next", "recipe": "", "text": "hashing:32", "text_inputs": "title,title+description:50"}
    made = follow(shop, send(shop, "/admin/spaces/new", fields | {"image": "hashing:16", "weights": "text=3,image=1"}))
    assert "The space next is made" in made.text
    assert "title, and apart title + description (first 50 characters) by hashing:32, weight 0.75" in made.text
    assert "0 of 20 embedded" in made.text
    refused = Page(send(shop, "/admin/spaces/next/activate", status=409).text)
    assert "Nothing was changed" in refused.text
    assert "still being filled" in refused.text
    drain()
    activated = follow(shop, send(shop, "/admin/spaces/next/activate"))
    assert "The space next answers from now on" in activated.text
    assert "Roll back to default" in activated.text
    assert active_space(database).name == "next"
    follow(shop, send(shop, "/admin/spaces/rollback"))
    assert active_space(database).name == "default"


def test_a_space_is_retired_resumed_and_dropped_after_a_question(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    shadow_space(database, drain, "next")
    assert "is retired" in follow(shop, send(shop, "/admin/spaces/next/retire")).text
    assert "is being filled again" in follow(shop, send(shop, "/admin/spaces/next/resume")).text
    asked = read(shop, "/admin/spaces/next/drop")
    assert "20 products have vectors in it" in asked.text
    assert len(list_spaces(database)) == 2
    assert "The space next is gone" in follow(shop, send(shop, "/admin/spaces/next/drop")).text
    assert [space.name for space in list_spaces(database)] == ["default"]
    assert "cannot be dropped" in read(shop, "/admin/spaces/default/drop").text
    send(shop, "/admin/spaces/default/drop", status=409)
    read(shop, "/admin/spaces/absent/drop", status=404)


MISFITS: list[tuple[dict[str, str], str]] = [
    ({"name": "Next!"}, "name"),
    ({"name": "next", "recipe": "nothing"}, "recipe"),
    ({"name": "next", "recipe": "", "text": "word2vec"}, "text"),
    ({"name": "next", "recipe": "", "text": "hashing:32", "text_inputs": "colour"}, "text_inputs"),
    ({"name": "next", "recipe": "", "text": "hashing:32", "image_projection": "pca"}, "image_projection"),
    ({"name": "next", "recipe": "", "text": "hashing:32", "text_projection": "shrink"}, "text_projection"),
    ({"name": "next", "recipe": "", "text": "hashing:32", "weights": "1"}, "weights"),
]


def test_what_is_wrong_stands_beside_its_field(
    shop: FlaskClient, database: Database, subtests: pytest.Subtests
) -> None:
    for fields, field in MISFITS:
        with subtests.test(field=field):
            page = Page(send(shop, "/admin/spaces/new", fields, status=422).text)
            assert "Nothing was made" in page.text
            if field != "recipe":
                assert ("p", f"p-{field}") in [(tag, attributes.get("id")) for tag, attributes in page.tags]
                assert page.fields[field] == fields.get(field, "")
    assert len(list_spaces(database)) == 1


def test_a_taken_name_is_refused(shop: FlaskClient) -> None:
    page = Page(send(shop, "/admin/spaces/new", {"name": "default", "recipe": "plain"}, status=409).text)
    assert page.fields["name"] == "default"
    assert "choose another name" in page.text


def test_a_plan_shows_its_progress_its_error_and_can_be_given_up(shop: FlaskClient, database: Database) -> None:
    planned = follow(
        shop,
        send(
            shop, "/admin/spaces/new", {"name": "fit", "recipe": "", "text": "hashing:64", "text_projection": "pca:8"}
        ),
    )
    assert "The space fit is planned" in planned.text
    assert "Waits for a worker" in planned.text
    with database.write() as connection:
        connection.execute("UPDATE shelfmate.space_plans SET state = 'fitting', progress = 'step 3 of 9'")
    assert "step 3 of 9" in read(shop, "/admin/spaces/state").text
    send(shop, "/admin/spaces/fit/give-up", status=409)
    with database.write() as connection:
        connection.execute("UPDATE shelfmate.space_plans SET state = 'failed', error = 'there are 3 products'")
    assert "there are 3 products" in read(shop, "/admin/spaces").text
    follow(shop, send(shop, "/admin/spaces/fit/give-up"))
    assert list_plans(database) == []


def test_what_was_fitted_is_shown_by_its_figures(shop: FlaskClient, database: Database) -> None:
    with database.write() as connection:
        report = {"products": 12000, "held_out": {"P@5": 0.9503}, "seconds": 16.25}
        store_models(connection, 1, [SpaceModel("text", "projection", "learned", b"x" * 2048, 768, 64, report)])
    text = read(shop, "/admin/spaces").text
    for said in ("learned, 768 → 64", "12,000", "held out P@5", "0.9503", "16.25"):
        assert said in text


def test_the_page_asks_again_often_only_while_something_moves(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    def pause() -> str | None:
        page = read(shop, "/admin/spaces/state")
        return next(attributes["data-again"] for _, attributes in page.tags if "data-again" in attributes)

    drain()
    assert pause() == "15000"
    building_space(database, "next")
    assert pause() == "2000"
    drain()
    assert pause() == "15000"
    request_plan(database, "fit", FITTED)
    assert pause() == "2000"


def test_two_spaces_are_compared_in_a_table(shop: FlaskClient, database: Database, drain: Callable[[], int]) -> None:
    drain()
    assert "only one space with vectors" in read(shop, "/admin/spaces/compare").text
    shadow_space(database, drain, "next")
    page = read(shop, "/admin/spaces/compare?a=default&b=next&sample=5")
    for said in ("default and next", "overlap@10, 5 queries", "next less default", "p95 ms"):
        assert said in page.text
    read(shop, "/admin/spaces/compare?a=default&b=absent", status=404)


def test_another_site_changes_nothing(shop: FlaskClient, subtests: pytest.Subtests) -> None:
    for path in ("new", "default/activate", "rollback", "default/retire", "default/resume", "default/drop"):
        with subtests.test(path=path):
            answer = shop.post(f"/admin/spaces/{path}", data={"name": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
            assert answer.status_code == 403


def test_a_shadow_on_trial_goes_along_through_the_shop(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    shadow_space(database, drain, "next")
    for path in ("/", "/c/Clothes", "/p/P01", "/search?q=red+shirt", "/p/P01/similar"):
        page = read(shop, f"{path}{'&' if '?' in path else '?'}space=next")
        links = [link for link in page.links("/") if link.startswith(("/p/", "/c/", "/search?", "/?"))]
        # All but the one that leads back to the active space.
        leading_back = [] if path in ("/", "/p/P01/similar") else [path]
        assert [link for link in links if "space=next" not in link] == leading_back
    page = read(shop, "/p/P01?space=next&w_text=1")
    assert "the shadow space next" in page.text
    assert "space next" in page.text
    assert page.fields["space"] == "next"
    assert "/p/P01?w_text=1" in page.links("/p/P01")
    assert "space next" not in read(shop, "/p/P01").text
    # Its own weights: mostly text.
    assert read(shop, "/p/P01?space=next").fields["w_text"] == "0.9"


def test_narrowing_a_search_on_trial_stays_on_trial(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    shadow_space(database, drain, "next")
    page = read(shop, "/search?q=shirt&brand=Atelier+Nord&space=next")
    steps = page.links("/search")
    assert steps
    assert all(
        "space=next" in step and "q=shirt" in step for step in steps if step != "/search?q=shirt&brand=Atelier+Nord"
    )
    followed = read(shop, next(step for step in steps if "stock=1" in step))
    assert "the shadow space next" in followed.text


def test_a_space_that_cannot_be_tried_says_what_to_do(shop: FlaskClient, database: Database) -> None:
    assert "those that answer are default" in read(shop, "/p/P01?space=absent", status=400).text
    building_space(database, "next")
    assert "still being filled" in read(shop, "/?space=next", status=409).text
    with database.write() as connection:
        connection.execute("SELECT shelfmate.retire_space('next')")
    assert "resume it first" in read(shop, "/search?q=shirt&space=next", status=409).text
    assert "on trial" not in read(shop, "/?space=default").text


def test_a_product_that_the_shadow_lacks_is_being_embedded(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    shadow_space(database, drain, "next")
    put_product(database, "NEW", ProductData("violet shirt"))
    assert "Being embedded" in read(shop, "/p/NEW?space=next").text
