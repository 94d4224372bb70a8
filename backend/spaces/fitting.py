"""Fitting what a recipe learns from the catalogue: encoders of words, projections, the scales of a linear kernel."""

import time
from collections.abc import Callable, Sequence

from backend.database.connection import Database
from backend.encoders.registry import fit_text_encoder, load_image_encoder, load_text_encoder, needs_fitting
from backend.errors import InvalidInput
from backend.spaces.embedder import configured_runtime
from backend.spaces.fitting_reviews import fit_reviews
from backend.spaces.inputs import product_texts
from backend.spaces.models import Modality, SpaceModel
from backend.spaces.projections.blocks import Block, fit_blocks, versions
from backend.spaces.projections.catalogue import Catalogue, read_catalogue, read_texts
from backend.spaces.projections.interruption import check
from backend.spaces.projections.rows import STORED_AT_ONCE, Progress, image_rows, text_rows
from backend.spaces.recipe import Recipe

# Encoding so many takes minutes on two cores; the real catalogue taught what it could with fewer
# (docs/decisions/0013).
SAMPLE = 20_000
# Lengths vary little: a linear kernel's constant needs no more rows.
SCALE_SAMPLE = 2_000


def fit(
    database: Database,
    recipe: Recipe,
    report: Callable[[str], None],
    interrupted: Callable[[], bool],
    *,
    only_products: Sequence[int] | None = None,
    sample: int = SAMPLE,
    seed: int = 0,
) -> list[SpaceModel]:
    """What is to be stored with a space of this recipe: models of the parts of it that need fitting.

    ``only_products`` are the ids of the products that it may learn from, all where None; of them at most ``sample`` are
    read, variant groups whole. The same catalogue, recipe and seed give the same models. ``report`` is told what goes
    on. Memory is that of the sample's rows: 160 MB for 20,000 products of 2 x 384 and 1,280 dimensions.

    Raises:
        InvalidInput: there is too little to learn from, or the recipe does not fit together.
        ConfigurationError: there is no such encoder, or its weights are missing.
        NotReady: ``interrupted`` said so.
    """
    if recipe.kernel == "linear" and "learned" in _methods(recipe):
        raise InvalidInput("a learned projection is learned for unit rows: leave the kernel cosine", field="kernel")
    progress = Progress(report, interrupted)
    report("reading the products and the links among them")
    catalogue = read_catalogue(database, only_products, sample, seed)
    if not catalogue.ids:
        raise InvalidInput("there are no products to fit the space on: add the products first")
    models, text = _fit_text(database, recipe, catalogue, progress)
    image = _read_images(database, recipe, catalogue, progress)
    blocks: dict[Modality, Block] = {}
    if text is not None:
        blocks["text"] = text
    if image is not None:
        blocks["image"] = image
    fitted, reviews = fit_reviews(database, recipe, catalogue.ids, seed, progress)
    models += fitted
    if reviews is not None:
        blocks["reviews"] = reviews
    return models + fit_blocks(blocks, catalogue, recipe.kernel, seed, progress)


def _fit_text(
    database: Database, recipe: Recipe, catalogue: Catalogue, progress: Progress
) -> tuple[list[SpaceModel], Block | None]:
    """The text encoder where it needs fitting, and its rows where something is fitted on them."""
    if recipe.text is None:
        return [], None
    linear, to_fit = recipe.kernel == "linear", needs_fitting(recipe.text)
    if not (to_fit or linear or recipe.text_projection):
        return [], None
    ids = catalogue.ids if to_fit or recipe.text_projection else _few(catalogue)
    texts = _read_texts(database, recipe, ids, progress)
    models, state = [], None
    if to_fit:
        began = time.perf_counter()
        progress.report(f"fitting {recipe.text} on the texts of {len(ids):,} products")
        spec, state = fit_text_encoder(recipe.text, [text for product in texts for text in product])
        about = {
            "products": len(ids),
            "seconds": round(time.perf_counter() - began, 1),
            "libraries": versions(),
        }
        models = [SpaceModel("text", "encoder", spec.name.partition("?")[0], state, 0, spec.dimensions, about)]
    if not (linear or recipe.text_projection):
        return models, None
    encoder = load_text_encoder(recipe.text, state, configured_runtime())
    rows = text_rows(database, encoder, ids, texts, recipe.text_inputs, progress, normalized=not linear)
    return models, Block(rows, recipe.text_weight, recipe.text_projection)


def _read_images(database: Database, recipe: Recipe, catalogue: Catalogue, progress: Progress) -> Block | None:
    """The rows of photographs where something is fitted on them."""
    linear = recipe.kernel == "linear"
    if recipe.image is None or not (linear or recipe.image_projection):
        return None
    encoder = load_image_encoder(recipe.image, runtime=configured_runtime())
    ids = catalogue.ids if recipe.image_projection else _few(catalogue)
    rows = image_rows(database, encoder, ids, progress, normalized=not linear)
    if rows.unreadable:
        progress.report(f"left out {rows.unreadable:,} products with a photograph that cannot be read")
    return Block(rows, recipe.image_weight, recipe.image_projection)


def _read_texts(database: Database, recipe: Recipe, ids: list[int], progress: Progress) -> list[tuple[str, ...]]:
    texts: list[tuple[str, ...]] = []
    for start in range(0, len(ids), STORED_AT_ONCE):
        check(progress.interrupted)
        texts += [
            product_texts(recipe.text_inputs, *fields)
            for fields in read_texts(database, ids[start : start + STORED_AT_ONCE])
        ]
    return texts


def _few(catalogue: Catalogue) -> list[int]:
    return catalogue.ids[:: max(1, len(catalogue.ids) // SCALE_SAMPLE)]


def _methods(recipe: Recipe) -> set[str]:
    return {(projection or "").partition(":")[0] for projection in recipe.projections.values()}
