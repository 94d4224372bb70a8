"""Spaces with reviews: made from recipes, fitted on reviews, shown, indexed, dropped, and undone by the migrations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from review_fixtures import ENCODER, ONLY_REVIEWS, REVIEWED, assert_blocks, review, reviewed_space, run, stored_blocks
from test_migrations import definitions, migrate_to
from test_spaces_cli import environment_of, space_command

from backend.api.space_types import SpaceBody, as_space
from backend.database.connection import Database
from backend.database.migrate import upgrade
from backend.encoders.registry import load_text_encoder
from backend.errors import InvalidInput
from backend.settings import Settings
from backend.spaces.dropping import drop_space
from backend.spaces.life import activate, resume, retire
from backend.spaces.making import make_space
from backend.spaces.models import list_models, load_models
from backend.spaces.overview import find_report
from backend.spaces.projections import Projection
from backend.spaces.recipe import Recipe, choose_recipe
from backend.spaces.space import Space, list_spaces

PROJECTIONS = ("pca:6", "half-whitened:6", "svd:6")


@pytest.fixture
def shop(database: Database, drain: Callable[[], int]) -> Database:
    run(database, "INSERT INTO products (sku, title) SELECT 'S' || i, 'Boot ' || i FROM generate_series(1, 6) i")
    for number in range(24):
        review(database, f"S{1 + number % 5}", f"Boot of kind {number % 7}", f"Worn {number} times")
    drain()
    return database


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_a_projection_is_fitted_on_single_reviews_and_the_block_is_of_what_it_gives(
    shop: Database, drain: Callable[[], int], projection: str
) -> None:
    recipe = choose_recipe(text="hashing:16", reviews=ENCODER, projections=[f"reviews={projection}"])
    space = make_space(shop, "short", recipe)
    drain()
    assert (space.reviews_dimensions, space.reviews_projection) == (6, projection.partition(":")[0])
    (model,) = load_models(shop, space.id)
    assert (model.modality, model.part, model.report["reviews"]) == ("reviews", "projection", 24)
    fitted = Projection.from_bytes(model.content)
    encoder = load_text_encoder(ENCODER)
    ((title, body),) = run(shop, "SELECT title, body FROM reviews WHERE id = 1")
    ((stored,),) = run(shop, "SELECT embedding FROM review_embeddings WHERE review_id = 1 AND space_id = %s", space.id)
    (expected,) = fitted.apply(encoder.encode([f"{title}. {body}"]))
    np.testing.assert_allclose(stored.to_numpy(), expected, atol=1e-3)
    assert stored_blocks(shop, space).keys() == {f"S{number}" for number in range(1, 6)}


def test_an_encoder_of_words_is_fitted_on_the_reviews(shop: Database, drain: Callable[[], int]) -> None:
    space = make_space(shop, "words", choose_recipe(reviews="tfidf?dimensions=4"))
    drain()
    assert [(model.modality, model.part, model.method) for model in list_models(shop, space.id)] == [
        ("reviews", "encoder", "tfidf")
    ]
    assert stored_blocks(shop, space).keys() == {f"S{number}" for number in range(1, 6)}


def test_what_cannot_be_fitted_says_why(database: Database, shop: Database) -> None:
    with pytest.raises(InvalidInput, match="reviews=pca:30 needs 31 reviews or more, and there are 24"):
        make_space(shop, "short", choose_recipe(reviews=ENCODER, projections=["pca:30"]))
    run(shop, "DELETE FROM reviews")
    with pytest.raises(InvalidInput, match="there are no reviews"):
        make_space(shop, "short", choose_recipe(reviews=ENCODER, projections=["pca:3"]))


def test_a_space_of_reviews_is_asked_for_and_shown_over_http(shop: Database, drain: Callable[[], int]) -> None:
    body = SpaceBody.model_validate(
        {
            "name": "asked",
            "text": "hashing:16",
            "reviews": ENCODER,
            "projections": {"reviews": "pca:6"},
            "weights": {"text": 3, "reviews": 1},
        }
    )
    recipe = body.to_recipe()
    assert recipe == Recipe(
        text="hashing:16",
        image=None,
        text_weight=0.75,
        image_weight=0,
        reviews=ENCODER,
        reviews_projection="pca:6",
        reviews_weight=0.25,
    )
    make_space(shop, "asked", recipe)
    drain()
    shown = as_space(find_report(shop, "asked"))
    assert shown.reviews_encoder == ENCODER
    assert shown.projections == {"text": None, "image": None, "reviews": "pca"}
    assert shown.dimensions == {"text": 16, "image": 0, "reviews": 6}
    assert {index.column for index in shown.indexes} == {"fused", "text", "reviews", "embedding"}


def test_the_command_shows_the_reviews(shop: Database, settings: Settings) -> None:
    reviewed_space(shop)
    said = space_command(environment_of(settings), "show", "reviewed").output
    assert f"reviews  {ENCODER} x 0.2, 48 dimensions, 0 of 24 encoded" in said
    assert f"{ENCODER} x 0.2" in space_command(environment_of(settings), "list").output


def test_a_retired_space_keeps_its_reviews_and_encodes_what_came_since(
    shop: Database, drain: Callable[[], int]
) -> None:
    space = reviewed_space(shop)
    drain()
    retire(shop, "reviewed")
    review(shop, "S6", "The first of this one")
    run(shop, "DELETE FROM reviews WHERE id = 3")
    assert run(shop, "SELECT 1 FROM embedding_jobs") == []
    resume(shop, "reviewed")
    drain()
    assert_blocks(shop, space)


def test_a_dropped_space_leaves_nothing_of_its_reviews(shop: Database, drain: Callable[[], int]) -> None:
    space = reviewed_space(shop)
    kept = reviewed_space(shop, "kept", ONLY_REVIEWS)
    drain()
    drop_space(shop, "reviewed")
    tables = run(shop, "SELECT relname FROM pg_class WHERE relname ~ '^review_embeddings_[0-9]+$' AND relkind = 'r'")
    assert tables == [(f"review_embeddings_{kept.id}",)]
    assert run(shop, "SELECT DISTINCT space_id FROM review_embeddings") == [(kept.id,)]
    review(shop, "S1", "Still taken")
    assert run(shop, "SELECT space_id FROM embedding_jobs") == [(kept.id,)]
    assert space.id != kept.id


def test_0003_goes_down_to_what_0002_made_and_spaces_with_reviews_go_with_it(
    shop: Database, drain: Callable[[], int]
) -> None:
    reviewed_space(shop)
    drain()
    activate(shop, "reviewed")
    newest = definitions(shop)
    migrate_to(shop, "0002")
    with shop.write() as connection:
        names = connection.execute("SELECT name FROM embedding_spaces").fetchall()
        rated = connection.execute("SELECT count(*) FROM products WHERE rating = 4 AND review_count > 0").fetchone()
        # The functions of then work on the tables of then.
        connection.execute("SELECT create_space('old', 'hashing:8', '2', '{title}', 8, 1, NULL, NULL, 0, 0)")
        connection.execute("INSERT INTO reviews (product_id, rating, fingerprint) VALUES (6, 2, 'x')")
        assert connection.execute("SELECT rating, review_count FROM products WHERE id = 6").fetchone() == (2, 1)
        assert connection.execute("SELECT * FROM active_embeddings").fetchall() == []
    assert (names, rated) == ([("default",)], (5,))
    then = definitions(shop)
    upgrade(shop)
    assert run(shop, "SELECT bayesian_rating IS NOT NULL, rating_sum FROM products WHERE id = 6") == [(True, 2)]
    assert without_view(definitions(shop)) == without_view(newest)
    migrate_to(shop, "0002")
    assert definitions(shop) == then
    upgrade(shop)


def without_view(described: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Without the columns of the view of the active space, which have its dimensions, and the indexes of partitions."""
    return described | {
        "columns": tuple(row for row in described["columns"] if row[0] != "active_embeddings"),
        "indexes": tuple(row for row in described["indexes"] if "shelfmate.review_embeddings_" not in row[0]),
    }


def test_a_space_with_reviews_is_compared_with_one_without(shop: Database, drain: Callable[[], int]) -> None:
    from backend.evaluation.compare import compare

    reviewed_space(shop)
    drain()
    found = compare(shop, "default", "reviewed", sample=5, k=3).as_dict()
    assert (found["b"]["dimensions"], found["b"]["fill"]["embedded"]) == (72, 6)


def test_what_the_spaces_list_says_of_reviews(shop: Database) -> None:
    space: Space = reviewed_space(shop)
    assert (space.reviews_encoder, space.dimensions, space.weights) == (
        ENCODER,
        (16, 8, 48),
        (REVIEWED.text_weight, REVIEWED.image_weight, REVIEWED.reviews_weight),
    )
    assert {one.name for one in list_spaces(shop) if one.reviews_encoder} == {"reviewed"}
