"""Fitting what a recipe learns from reviews: an encoder of words, and the projection of single reviews."""

import time
from collections.abc import Sequence

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.encoders.registry import fit_text_encoder, load_text_encoder, needs_fitting
from backend.errors import InvalidInput
from backend.spaces.embedder import configured_runtime
from backend.spaces.models import SpaceModel
from backend.spaces.projections.blocks import Block, versions
from backend.spaces.projections.rows import Progress, Rows, encode_texts
from backend.spaces.recipe import Recipe

SQL = load_queries("fitting")

# The axes of the real reviews settle with fewer; so many take a minute of MiniLM on one core.
SAMPLE = 10_000


def fit_reviews(
    database: Database, recipe: Recipe, products: Sequence[int], seed: int, progress: Progress
) -> tuple[list[SpaceModel], Block | None]:
    """The reviews' encoder where it needs fitting, and rows of single reviews where a projection is fitted on them.

    Of the reviews of ``products``, by id, at most 10,000 at random.

    Raises:
        InvalidInput: there are none.
    """
    if recipe.reviews is None:
        return [], None
    to_fit = needs_fitting(recipe.reviews)
    if not (to_fit or recipe.reviews_projection):
        return [], None
    with database.read() as connection:
        rows = connection.execute(SQL["reviews"], {"ids": list(products), "seed": seed, "most": SAMPLE}).fetchall()
    texts = [row[0] for row in rows]
    if not texts:
        raise InvalidInput(
            "there are no reviews to fit the space on: import them first, or leave the reviews out with reviews=none",
            field="reviews",
        )
    models, state = [], None
    if to_fit:
        began = time.perf_counter()
        progress.report(f"fitting {recipe.reviews} on {len(texts):,} reviews")
        spec, state = fit_text_encoder(recipe.reviews, texts)
        about = {"reviews": len(texts), "seconds": round(time.perf_counter() - began, 1), "libraries": versions()}
        models = [SpaceModel("reviews", "encoder", spec.name.partition("?")[0], state, 0, spec.dimensions, about)]
    if not recipe.reviews_projection:
        return models, None
    encoder = load_text_encoder(recipe.reviews, state, configured_runtime())
    encoded = encode_texts(encoder, texts, "reviews", progress)
    return models, Block(Rows(encoded), recipe.reviews_weight, recipe.reviews_projection)
