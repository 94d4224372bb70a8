"""The page of a product, and more like it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from web_fixtures import Page, read, shop

from backend.catalog.reviews import ReviewData, add_review
from backend.database.connection import Database
from backend.recommend.ranking import Filter, Weights, similar

__all__ = ["shop"]


def shown(page: Page) -> list[str]:
    """Skus of what is like the product, in order."""
    return [given["data-sku"] or "" for tag, given in page.tags if "data-sku" in given]


def test_page_says_what_the_catalogue_says(shop: FlaskClient) -> None:
    text = read(shop, "/p/P03").text
    for part in (
        "green linen shirt",
        "A linen shirt in green.",
        "Atelier Nord",
        "€30",
        "Sold out",
        "Base colour green",
        "S, M",
    ):
        assert part in text


def test_page_leads_to_the_same_product_in_other_colours(shop: FlaskClient) -> None:
    assert {"P01", "P02", "P04", "P05"} <= set(read(shop, "/p/P03").cards)


def test_reviews_are_summed_up_and_paged(shop: FlaskClient, database: Database) -> None:
    written = datetime(2026, 5, 4, tzinfo=UTC)
    for number in range(8):
        add_review(
            database, "P01", ReviewData(5 if number else 1, f"Title {number}", "Fits.", "Mira", 3, True, written)
        )
    page = read(shop, "/p/P01")
    assert "4.5 of 5" in page.text
    assert "8 reviews" in page.text
    assert "Mira · verified purchase · 4 May 2026 · helpful to 3" in page.text
    assert [f"Title {number}" in page.text for number in range(8)] == [False, False] + [True] * 6
    older = read(shop, page.link("next") or "")
    assert [f"Title {number}" in older.text for number in range(8)] == [True, True] + [False] * 6


def test_more_like_this_is_the_ranking_with_its_scores_and_their_parts(
    shop: FlaskClient, database: Database, drain: Callable[[], int], subtests: pytest.Subtests
) -> None:
    drain()
    cases = {
        "": (Weights(), Filter()),
        "?w_text=1&w_image=0": (Weights(text=1, image=0), Filter()),
        "?w_text=0&w_image=1": (Weights(text=0, image=1), Filter()),
        "?w_text=0.2&w_image=0.9&same_category=1": (Weights(text=0.2, image=0.9), Filter(category="Clothes/Shirts")),
        "?in_stock=1": (Weights(), Filter(in_stock=True)),
    }
    for query, (weights, filters) in cases.items():
        with subtests.test(query=query):
            ranking = similar(database, "P01", k=12, weights=weights, filters=filters)
            for path in ("/p/P01", "/p/P01/similar"):
                page = read(shop, path + query)
                assert shown(page) == [hit.sku for hit in ranking.items]
                for hit in ranking.items:
                    parts = hit.contributions
                    assert f"{hit.score:.3f} = text {parts['text']:.3f} + image {parts['image']:.3f}" in page.text
                assert ranking.mode in page.text


def test_the_sliders_stand_where_the_question_put_them(shop: FlaskClient, drain: Callable[[], int]) -> None:
    drain()
    assert read(shop, "/p/P01").fields["w_text"] == "0.5"
    fields = read(shop, "/p/P01?w_text=0.25&w_image=0.75&in_stock=1").fields
    assert (fields["w_text"], fields["w_image"], fields["in_stock"]) == ("0.25", "0.75", "1")
    assert "same_category" not in fields


def test_with_both_weights_at_0_it_asks_for_one(shop: FlaskClient, drain: Callable[[], int]) -> None:
    drain()
    page = read(shop, "/p/P01?w_text=0&w_image=0")
    assert shown(page) == []
    assert "Move one of the sliders" in page.text


def test_a_weight_that_is_none_is_refused(shop: FlaskClient, subtests: pytest.Subtests) -> None:
    for weight in ["x", "nan", "inf", "-0.1", "1.01"]:
        with subtests.test(weight=weight):
            assert "w_text" in read(shop, f"/p/P01?w_text={weight}", 400).text.lower()


def test_unknown_parameters_are_no_trouble(shop: FlaskClient) -> None:
    assert read(shop, "/p/P01?utm_source=x&sku=y&_external=1&same_category=")


def test_a_new_product_says_that_it_is_being_embedded_until_it_is(shop: FlaskClient, drain: Callable[[], int]) -> None:
    page = read(shop, "/p/P01")
    assert "Being embedded" in page.text
    # With scripts the part asks again by itself, without them the page does.
    assert any(given.get("data-again") for _, given in page.tags)
    assert ("meta", {"http-equiv": "refresh", "content": "3"}) in page.tags
    drain()
    page = read(shop, "/p/P01")
    assert len(shown(page)) == 12
    assert not any(given.get("data-again") or given.get("http-equiv") for _, given in page.tags)


def test_a_product_whose_embedding_failed_says_so_and_asks_no_more(shop: FlaskClient, database: Database) -> None:
    with database.write() as connection:
        connection.execute("UPDATE embedding_jobs SET state = 'dead', last_error = 'broken'")
    page = read(shop, "/p/P01")
    assert "could not be embedded" in page.text
    assert not any(given.get("data-again") for _, given in page.tags)


def test_a_failure_of_ours_is_a_page_that_tells_nothing_of_the_inside(shop: FlaskClient, database: Database) -> None:
    with database.write() as connection:
        connection.execute("ALTER TABLE reviews RENAME TO reviews_away")
    text = read(shop, "/", 500).text
    assert "Something broke on our side" in text
    assert "reviews" not in text
