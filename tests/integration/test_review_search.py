"""Search inside reviews by words and by meaning, and similar products that people rate better."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from review_fixtures import ENCODER, reviewed_space, run
from small_catalogue import fresh_database

from backend.database.connection import Database
from backend.encoders.registry import load_text_encoder
from backend.errors import InvalidInput, NotFound
from backend.recommend.ranking import Weights
from backend.recommend.reviews import ReviewHit, better_reviewed, search_reviews
from backend.recommend.search import Search, search
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.indexes import build_indexes, review_index
from backend.spaces.life import activate
from backend.spaces.space import list_spaces
from workers.progress import Progress
from workers.rated import store_words
from workers.upkeep import Upkeep
from workers.worker import Worker

REVIEWS = [
    ("S1", 5, "Warm and dry", "My feet stay dry in the rain", 9),
    ("S1", 1, "Leaks", "Wet feet after an hour of rain", 0),
    ("S2", 4, "Good for the city", "Comfortable on pavements", 2),
    ("S2", 5, "", "Nothing leaks here", 1),
    ("S3", 2, "Sole came off", "After a week", 0),
]


def stock(database: Database, settings: Settings) -> Database:
    run(
        database,
        "INSERT INTO products (sku, title, brand)"
        " SELECT 'S' || i, 'Boot ' || i, 'B' || mod(i, 2) FROM generate_series(1, 4) i",
    )
    for sku, rating, title, body, votes in REVIEWS:
        run(
            database,
            "INSERT INTO reviews (product_id, rating, title, body, helpful_votes, verified, written_at, fingerprint)"
            " SELECT id, %s, %s, %s, %s, true, '2025-01-01Z', sha256(gen_random_uuid()::text::bytea)"
            " FROM products WHERE sku = %s",
            *(rating, title, body, votes, sku),
        )
    reviewed_space(database)
    Worker(database, settings, Progress(), drain=True).run()
    activate(database, "reviewed")
    return database


@pytest.fixture(scope="module")
def shop(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Four boots with five reviews, which nobody changes."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, settings):
        yield stock(database, settings)


@pytest.fixture
def own_shop(database: Database, settings: Settings) -> Database:
    """The same to be changed."""
    return stock(database, settings)


@pytest.fixture
def embedder(shop: Database) -> Embedder:
    return Embedder(shop)


def said(hits: list[ReviewHit]) -> list[str]:
    return [hit.review_title or hit.review_body for hit in hits]


def test_reviews_are_found_by_words_alone_in_any_database(shop: Database) -> None:
    hits = search_reviews(shop, None, "leaks")
    assert said(hits) == ["Leaks", "Nothing leaks here"]
    assert {hit.mode for hit in hits} == {"words"}
    assert hits[0] == ReviewHit(
        hits[0].review_id,
        1,
        "S1",
        "Boot 1",
        1,
        "Leaks",
        "Wet feet after an hour of rain",
        hits[0].score,
        0,
        True,
        datetime(2025, 1, 1, tzinfo=UTC),
        "words",
    )
    assert search_reviews(shop, None, "the") == []


def test_by_meaning_they_are_ordered_by_the_cosine_of_what_they_say(shop: Database) -> None:
    encoder = load_text_encoder(ENCODER)
    (asked,) = encoder.encode(["dry feet in the rain"])
    expected = {}
    for _, _, title, body, _ in REVIEWS:
        (vector,) = encoder.encode([". ".join(filter(None, (title, body)))])
        expected[body] = float(vector @ asked)
    rows = run(
        shop,
        "SELECT review_body, score, mode FROM search_reviews(jsonb_build_object('vector', %s::real[], 'k', 3))",
        asked.tolist(),
    )
    assert [row[0] for row in rows] == sorted(expected, key=lambda body: -expected[body])[:3]
    assert [row[1] for row in rows] == pytest.approx([expected[row[0]] for row in rows], abs=2e-3)
    assert {row[2] for row in rows} == {"exact"}


def test_words_and_meaning_together_find_what_either_finds(shop: Database, embedder: Embedder) -> None:
    hits = search_reviews(shop, embedder, "leaks", k=10)
    assert len(hits) == 5
    assert said(hits)[0] in ("Leaks", "Nothing leaks here")
    assert {hit.mode for hit in hits} == {"exact"}


@pytest.mark.parametrize("by_meaning", [True, False])
def test_filters_stars_and_one_product_are_exact(shop: Database, embedder: Embedder, by_meaning: bool) -> None:
    using = embedder if by_meaning else None
    assert {hit.sku for hit in search_reviews(shop, using, "feet leaks week", sku="S1")} <= {"S1"}
    assert said(search_reviews(shop, using, "leaks", rating_min=4))[0] == "Nothing leaks here"
    assert said(search_reviews(shop, using, "leaks", rating_max=1)) == ["Leaks"]
    found = search_reviews(shop, using, "leaks", filter={"field": "brand", "eq": "B0"})
    assert {hit.sku for hit in found} == {"S2"}
    assert search_reviews(shop, using, "leaks", filter={"field": "brand", "eq": "none"}) == []


@pytest.mark.parametrize(
    ("arguments", "error", "field"),
    [
        ({"text": " "}, InvalidInput, "words"),
        ({"text": "x" * 1001}, InvalidInput, "words"),
        ({"text": "x", "k": 0}, InvalidInput, "k"),
        ({"text": "x", "rating_min": 6}, InvalidInput, "rating_min"),
        ({"text": "x", "rating_max": 0}, InvalidInput, "rating_max"),
        ({"text": "x", "filter": {"field": "colour", "eq": 1}}, InvalidInput, "filter.field"),
        ({"text": "x", "sku": "nope"}, NotFound, "sku"),
    ],
)
def test_what_does_not_fit_is_named(
    shop: Database, embedder: Embedder, arguments: dict[str, object], error: type[InvalidInput], field: str
) -> None:
    with pytest.raises(error) as caught:
        search_reviews(shop, embedder, **arguments)  # type: ignore[arg-type]  # the cases have arguments of several types
    assert getattr(caught.value, "field", field) == field


def test_a_space_without_reviews_cannot_be_asked_by_a_vector(shop: Database) -> None:
    query = """SELECT * FROM search_reviews('{"vector": [1, 0], "space": "default"}')"""
    with pytest.raises(InvalidInput, match="has no reviews"):
        run(shop, query)


def test_the_words_of_an_import_are_stored_a_moment_later_and_those_of_one_product_found_before(
    own_shop: Database,
) -> None:
    run(
        own_shop,
        "INSERT INTO reviews (product_id, rating, title, body, fingerprint)"
        " SELECT 3, 4, 'Squeaky ' || i, '', sha256(i::text::bytea) FROM generate_series(1, 60) i",
    )
    assert search_reviews(own_shop, None, "squeaky") == []
    assert len(search_reviews(own_shop, None, "squeaky", sku="S3", k=100)) == 60
    with own_shop.alone() as connection:
        store_words(connection, lambda: False)
        assert store_words(connection, lambda: False) == 0
    assert len(search_reviews(own_shop, None, "squeaky", k=100)) == 60
    run(own_shop, "UPDATE reviews SET title = 'Silent' WHERE title LIKE 'Squeaky%%'")
    assert search_reviews(own_shop, None, "squeaky") == []
    run(own_shop, "DELETE FROM reviews WHERE title = 'Silent'")
    with own_shop.alone() as connection:
        store_words(connection, lambda: False)
    assert run(
        own_shop, "SELECT count(*) FROM review_words w LEFT JOIN reviews r ON r.id = w.review_id WHERE r.id IS NULL"
    ) == [(0,)]


def test_an_index_on_single_reviews_answers_and_filters_stay_exact(
    own_shop: Database, drain: Callable[[], int]
) -> None:
    run(
        own_shop,
        "INSERT INTO reviews (product_id, rating, title, body, fingerprint)"
        " SELECT 1 + mod(i, 4), 1 + mod(i, 5), 'Word' || mod(i, 97), 'word' || mod(i, 89), sha256(i::text::bytea)"
        " FROM generate_series(1, 1500) i",
    )
    drain()
    (space,) = (space for space in list_spaces(own_shop) if space.name == "reviewed")
    index = review_index(space)
    assert index is not None
    with own_shop.alone() as connection:
        build_indexes(connection, space, lambda _: None)
    encoder = load_text_encoder(ENCODER)
    (asked,) = encoder.encode(["word5 and word7"])
    query = (
        "SELECT review_id, score, mode"
        " FROM search_reviews(jsonb_build_object('vector', %s::real[], 'k', 20) || %s::jsonb)"
    )
    for rating in (1, 5):
        rows = run(own_shop, query, asked.tolist(), f'{{"rating_min": {rating}}}')
        best = [
            row[0]
            for row in run(
                own_shop,
                "SELECT e.review_id FROM review_embeddings e"
                " JOIN reviews r ON r.product_id = e.product_id AND r.id = e.review_id"
                " WHERE e.space_id = %s AND r.rating >= %s ORDER BY (e.embedding <=> %s::vector::halfvec) + 0 LIMIT 20",
                space.id,
                rating,
                str(asked.tolist()),
            )
        ]
        assert len(rows) == 20
        assert len({row[0] for row in rows} & set(best)) >= 18
    assert run(own_shop, query, asked.tolist(), "{}")[0][2] == "ann"


def test_better_reviewed_products_are_the_similar_ones_of_a_higher_mean(shop: Database) -> None:
    rows = dict(run(shop, "SELECT sku, bayesian_rating FROM products"))
    hits = better_reviewed(shop, "S1")
    assert [hit.sku for hit in hits] == ["S2"]
    assert hits[0].rating_gain == pytest.approx(rows["S2"] - rows["S1"], abs=1e-6)
    assert hits[0].score == pytest.approx(sum(hits[0].contributions.values()))
    assert hits[0].contributions.keys() == {"text", "image", "reviews"}
    # One without reviews is taken for what the prior says.
    assert {hit.sku for hit in better_reviewed(shop, "S4")} == {
        sku for sku, mean in rows.items() if mean is not None and mean > 4
    }
    assert better_reviewed(shop, "S3", filters={"field": "sku", "eq": "S1"}, weights=Weights(reviews=1))[0].sku == "S1"
    with pytest.raises(NotFound):
        better_reviewed(shop, "nope")


def test_a_free_text_reaches_what_reviews_say(shop: Database, embedder: Embedder) -> None:
    found = search(shop, embedder, Search(text="sole came off after a week", mode="vector", weights={"reviews": 1}))
    assert found.items[0].sku == "S3"
    assert found.vectors.keys() == {"reviews"}
    own = search(shop, embedder, Search(text="boot 3", mode="vector"))
    assert own.vectors.keys() == {"text", "reviews"}
    only = search(shop, embedder, Search(text="boot 3", mode="vector", weights={"text": 1}))
    assert only.vectors.keys() == {"text"}
    with pytest.raises(InvalidInput) as caught:
        search(shop, embedder, Search(text="boot", mode="vector", weights={"reviews": 1}, space="default"))
    assert caught.value.field == "weights.reviews"


def test_upkeep_lets_the_means_follow_the_prior_and_says_of_no_product_that_it_was_updated(
    own_shop: Database, settings: Settings
) -> None:
    updated = run(own_shop, "SELECT sku, updated_at FROM products ORDER BY sku")
    for _ in range(2):
        Upkeep(own_shop, settings, Progress().say).run_now()
    ((mean, weight, applied),) = run(
        own_shop, "SELECT prior_mean, prior_weight, applied_at IS NOT NULL FROM rating_prior"
    )
    stars = [rating for _, rating, *_ in REVIEWS]
    assert (mean, weight, applied) == (pytest.approx(np.mean(stars)), 10, True)
    for sku, value in run(own_shop, "SELECT sku, bayesian_rating FROM products"):
        own = [rating for of, rating, *_ in REVIEWS if of == sku]
        assert value == (pytest.approx((mean * weight + sum(own)) / (weight + len(own)), abs=1e-6) if own else None)
    assert run(own_shop, "SELECT sku, updated_at FROM products ORDER BY sku") == updated
