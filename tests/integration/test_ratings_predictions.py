"""Expected stars of products without reviews: learnt from the others, in the database, stale once edited."""

import random
from collections.abc import Callable

import pytest
from rating_models_fixtures import insert

from backend.catalog.products import ProductData, put_product
from backend.catalog.reviews import ReviewData, add_review
from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput, NotFound
from backend.ratings.predictions import NAME, list_predictions, predict_unrated
from backend.ratings.store import find_model, save_model

Drain = Callable[[], int]
KINDS = ("granite", "velvet")


def fill(database: Database, *, told: bool, products: int = 40, reviews: int = 6) -> None:
    """Reviewed products A0.. of two kinds, of which the second is liked less when ``told``; unrated ones B0, B1, C."""
    chance = random.Random(5)
    titles = {f"A{number}": f"{KINDS[number % 2]} thing {number}" for number in range(products)}
    said = []
    for number in range(products):
        for place in range(reviews):
            less = 3 * (number % 2) if told else 0
            rating = max(1, min(5, round(chance.gauss(4.5, 0.7)) - less))
            said.append((f"A{number}", rating, "", f"written {number} {place}"))
    titles |= {f"B{number}": f"{kind} thing of another sort" for number, kind in enumerate(KINDS)}
    insert(database, titles, said)


def test_what_text_foretells_is_expected_of_products_without_reviews(database: Database, drain: Drain) -> None:
    fill(database, told=True)
    drain()
    outcome = predict_unrated(database)
    assert (outcome.model, outcome.predicted) == (NAME, 2)
    assert outcome.report["better_than_mean"]
    assert outcome.report["off"] < outcome.report["mean_off"]
    assert outcome.report["gain"]["high"] < 0
    assert (outcome.report["products"], outcome.report["reviews"]) == (40, 240)
    found, count, stale = list_predictions(database)
    assert ([one.sku for one in found], count, stale) == (["B0", "B1"], 2, 0)
    assert found[0].expected - found[1].expected > 1
    for one in found:
        assert sum(one.probabilities) == pytest.approx(1, abs=1e-5)
        assert one.expected == pytest.approx(
            sum(star * share for star, share in enumerate(one.probabilities, 1)), abs=1e-4
        )
    stored = find_model(database, NAME)
    assert stored.is_default
    assert stored.reads_products


def test_where_nothing_foretells_every_product_is_expected_to_get_the_mean(database: Database, drain: Drain) -> None:
    fill(database, told=False)
    drain()
    outcome = predict_unrated(database)
    assert not outcome.report["better_than_mean"]
    assert outcome.report["strength"] is None
    found, _, _ = list_predictions(database)
    assert {round(one.expected, 4) for one in found} == {round(outcome.report["mean"], 4)}


def test_an_edit_makes_a_prediction_stale_and_a_review_takes_it_off_the_list(database: Database, drain: Drain) -> None:
    fill(database, told=True)
    drain()
    predict_unrated(database)

    def stale() -> dict[str, bool]:
        return {one.sku: one.stale for one in list_predictions(database)[0]}

    put_product(database, "B0", ProductData(title="granite thing of another sort", price=None, in_stock=False))
    assert stale() == {"B0": False, "B1": False}
    put_product(database, "B0", ProductData(title="velvet after all"))
    # At once, in the edit's own transaction, and still so when the worker was there.
    assert stale() == {"B0": True, "B1": False}
    drain()
    assert stale() == {"B1": False, "B0": True}
    predict_unrated(database)
    assert stale() == {"B1": False, "B0": False}
    add_review(database, "B1", ReviewData(rating=5, body="here"))
    assert set(stale()) == {"B0"}


def test_predicting_again_replaces_and_what_is_deleted_goes(database: Database, drain: Drain) -> None:
    fill(database, told=True)
    drain()
    first = find(database)
    assert first is None
    predict_unrated(database)
    predict_unrated(database)
    with database.write() as connection:
        connection.execute("DELETE FROM products WHERE sku = 'B0'")
    assert [one.sku for one in list_predictions(database)[0]] == ["B1"]
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM rating_models").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM product_rating_predictions").fetchone() == (1,)


def find(database: Database) -> object:
    found, _, _ = list_predictions(database)
    return found[0] if found else None


def test_a_named_model_predicts_as_it_was_kept(database: Database, drain: Drain) -> None:
    fill(database, told=True)
    drain()
    predict_unrated(database)
    before = [(one.sku, one.expected) for one in list_predictions(database)[0]]
    # Learnt anew it would say otherwise: the liked kind is hated now.
    with database.write() as connection:
        connection.execute("UPDATE reviews SET rating = 6 - rating")
    assert predict_unrated(database, name=NAME).report == {}
    assert [(one.sku, one.expected) for one in list_predictions(database)[0]] == before
    predict_unrated(database)
    assert [one.sku for one in list_predictions(database)[0]] == ["B1", "B0"]


def test_models_that_cannot_say_it_are_refused(database: Database, drain: Drain) -> None:
    fill(database, told=True)
    with pytest.raises(InvalidInput, match="0 products have reviews and are embedded, and 20 are needed"):
        predict_unrated(database)
    drain()
    predict_unrated(database)
    before = list_predictions(database)
    with pytest.raises(NotFound):
        predict_unrated(database, name="other")
    save_model(database, "words", "baseline", b"", fingerprint=bytes(32), report={}, default=True)
    with pytest.raises(Conflict, match="reads reviews"):
        predict_unrated(database, name="words")
    with database.write() as connection:
        connection.execute("SELECT create_space('next', 'hashing:8', '2', '{title}', 8, 1, NULL, NULL, 0, 0)")
    drain()
    with database.write() as connection:
        connection.execute("SELECT activate_space('next')")
    with pytest.raises(Conflict, match="another space"):
        predict_unrated(database, name=NAME)
    assert list_predictions(database) == before
