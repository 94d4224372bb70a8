"""/admin/ratings: models side by side, a review to try, the full report, products without reviews."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from rating_models_fixtures import add_reviews
from web_fixtures import Page, read, shop

from backend.database.connection import Database
from backend.ratings.corpus import clean, read_database
from backend.ratings.learning import Learnt, Plan, learn
from backend.ratings.predictions import predict_unrated
from backend.ratings.store import find_model, save_model

__all__ = ["shop"]

HERE = {"Sec-Fetch-Site": "same-origin"}
PLAN = Plan(forms=("baseline",), parts=(), random_split=False, resamples=50)


@pytest.fixture
def learnt(database: Database) -> Learnt:
    add_reviews(database, number=300, products=30)
    found = learn(clean(read_database(database)), PLAN, name="words", source="database")
    for name in ("words", "others"):
        save_model(
            database,
            name,
            "baseline",
            found.models["baseline"],
            fingerprint=found.fingerprint,
            report=found.report.to_json(),
            default=name == "words",
        )
    return found


def test_without_a_model_the_page_says_what_to_do(shop: FlaskClient) -> None:
    page = read(shop, "/admin/ratings")
    assert "No model is trained yet. shelfmate ratings train makes one" in page.text
    assert "Nothing is predicted" in page.text
    assert "Try a review" not in page.text
    assert "/admin/ratings" in read(shop, "/admin").links("/admin/ratings")


def test_models_are_side_by_side_and_another_one_is_let_answer(
    shop: FlaskClient, database: Database, learnt: Learnt
) -> None:
    page = read(shop, "/admin/ratings")
    assert "words answers" in page.text
    assert f"{learnt.report.of('baseline').measures.mae:.3f}" in page.text
    assert page.links("/admin/ratings/") == ["/admin/ratings/words/report", "/admin/ratings/others/report"]
    assert shop.post("/admin/ratings/others/use").status_code == 403
    sent = shop.post("/admin/ratings/others/use", headers=HERE)
    assert sent.status_code == 303
    assert "others answers from now on" in read(shop, sent.headers["Location"]).text
    assert find_model(database).name == "others"
    assert shop.post("/admin/ratings/nothing/use", headers=HERE).status_code == 404


def test_it_is_no_page_of_a_shadow_space(shop: FlaskClient, learnt: Learnt) -> None:
    assert "shadow space" not in read(shop, "/admin/ratings").text


def test_a_review_is_tried(shop: FlaskClient, learnt: Learnt) -> None:
    form = {"title": "number <b>1</b>", "text": "lovely perfect after 2 days", "model": ""}
    page = Page(shop.post("/admin/ratings/try", data=form, headers=HERE).text)
    assert "5 stars by words" in page.text
    assert page.fields["title"] == "number <b>1</b>"
    assert page.fields["text"] == "lovely perfect after 2 days"
    named = shop.post("/admin/ratings/try", data=form | {"model": "others"}, headers=HERE)
    assert "by others" in Page(named.text).text
    for wrong, sentence in (
        ({"title": " ", "text": ""}, "Write something first."),
        ({"text": "x" * 20_001}, "At most 20,000 characters"),
        ({"model": "nothing"}, "no rating model nothing"),
    ):
        answered = shop.post("/admin/ratings/try", data=form | wrong, headers=HERE)
        assert answered.status_code == 422
        assert sentence in Page(answered.text).text
    assert shop.post("/admin/ratings/try", data=form).status_code == 403


def test_the_full_report_is_a_page_of_its_own_that_may_load_nothing(shop: FlaskClient, learnt: Learnt) -> None:
    response = shop.get("/admin/ratings/words/report")
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "script" not in {tag for tag, _ in Page(response.text).tags}
    assert "Rating predictor: words" in Page(response.text).text
    assert read(shop, "/admin/ratings/nothing/report", 404)


def test_expected_stars_of_products_are_shown_with_how_good_they_are(
    shop: FlaskClient, database: Database, learnt: Learnt, drain: Callable[[], int]
) -> None:
    drain()
    predict_unrated(database)
    page = read(shop, "/admin/ratings")
    assert "Text and photographs do not foretell the stars of a new product better than the mean does" in page.text
    assert "20 products without reviews" in page.text
    # The same mean twenty times over would tell nobody anything.
    assert page.links("/p/") == []
    with database.write() as connection:
        connection.execute("UPDATE rating_models SET report = report || '{\"better_than_mean\": true}'")
        connection.execute("UPDATE products SET title = 'edited' WHERE sku = 'P01'")
    page = read(shop, "/admin/ratings")
    assert "The highest of 20 products; 1 product edited since" in page.text
    assert len(page.links("/p/")) == 10
    assert read(shop, "/admin/ratings/products/report", 404)


def test_a_model_of_another_version_is_listed_without_measures(
    shop: FlaskClient, database: Database, learnt: Learnt
) -> None:
    old = replace(learnt.report, format=0).to_json()
    save_model(database, "old", "baseline", b"", fingerprint=bytes(32), report=old, default=False)
    page = read(shop, "/admin/ratings")
    assert "made by another version: train again" in page.text
    assert "/admin/ratings/old/report" not in page.links("/admin/ratings/")
