"""Expected stars of products without reviews: learnt from the reviewed ones, written for the others in one go.

Features are the active space's vectors, which lie in the database: nothing is encoded, and products are read in
batches, twice, so that memory does not grow with the catalogue.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, LiteralString
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import Connection

from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.errors import Conflict, InvalidInput
from backend.evaluation.intervals import Estimate, estimate
from backend.ratings.measures import STARS
from backend.ratings.product_ridge import (
    FOLDS,
    LEAST_PRODUCTS,
    Floats,
    Moments,
    ProductRidge,
    fit_ridge,
    join,
    mean_only,
    weigh,
)
from backend.ratings.side_by_side import Say
from backend.ratings.store import PRODUCT_RIDGE, StoredModel, find_model, insert_model, read_weights
from backend.spaces.space import Space, active_space

SQL = load_queries("ratings")

NAME = "products"
FETCHED = 2_000
_STARS = np.arange(1.0, STARS + 1)


@dataclass(frozen=True)
class ProductReport:
    """How well products' mean stars were foretold on products that the model had not seen.

    ``error`` and ``mean_error`` are weighted mean squared errors, in stars squared, of the model and of the mean of the
    others; ``gain`` is the first less the second, with an interval over variant groups. ``off`` and ``mean_off`` are
    their root mean squares in stars. ``explained`` is 1 - error / mean_error. Where not ``better_than_mean`` the model
    says the mean of every product. ``strength`` is the shrinkage chosen, None for the mean alone.
    """

    space: str
    products: int
    reviews: int
    mean: float
    off: float
    mean_off: float
    explained: float
    gain: Estimate
    better_than_mean: bool
    strength: float | None
    seconds: float
    kind: str = PRODUCT_RIDGE
    format: int = 1

    @property
    def verdict(self) -> str:
        """The outcome as a sentence."""
        if self.better_than_mean:
            return (
                f"Text and photographs foretell {self.explained:.1%} of how products' mean stars differ: "
                f"{self.off:.3f} stars off (root mean square), {self.mean_off:.3f} with the mean alone."
            )
        return (
            f"Text and photographs do not foretell the stars of a new product better than the mean does "
            f"({self.off:.3f} against {self.mean_off:.3f} stars off, the difference may be chance): every product "
            f"without reviews is expected to get the mean, {self.mean:.2f}."
        )


@dataclass(frozen=True)
class Outcome:
    """What was predicted by which model."""

    model: str
    report: dict[str, Any]
    predicted: int


@dataclass(frozen=True)
class Prediction:
    """What one product is expected to get; ``stale`` once it was edited."""

    sku: str
    title: str
    expected: float
    probabilities: list[float]
    model: str
    predicted_at: datetime
    stale: bool


def predict_unrated(database: Database, *, name: str | None = None, say: Say | None = None) -> Outcome:
    """Replace the predictions of all products without reviews.

    Without a ``name`` the model is learnt anew from the reviewed products, which takes seconds, and kept as
    ``products``; a named one is used as it was kept.

    Raises:
        InvalidInput: too few products have reviews and vectors.
        NotFound: there is no model of the name.
        Conflict: the model named reads reviews, or another space's vectors.
        ConfigurationError: no space is active.
    """
    space = active_space(database)
    if name is not None:
        stored = find_model(database, name)
        model = _load(database, stored, space)
        with database.write() as connection:
            return Outcome(name, {}, _write(connection, stored.id, model, space, say))
    model, report, fingerprint = learn_products(database, space, say=say)
    content = asdict(report)
    with database.write() as connection:
        connection.execute(SQL["delete"], {"name": NAME})
        saved = insert_model(
            connection, NAME, PRODUCT_RIDGE, model.to_bytes(), fingerprint=fingerprint, report=content, default=True
        )
        return Outcome(NAME, content, _write(connection, saved, model, space, say))


def learn_products(
    database: Database, space: Space, *, say: Say | None = None
) -> tuple[ProductRidge, ProductReport, bytes]:
    """A model of the reviewed products, how it did on those it had not seen, and the fingerprint of its data.

    Raises:
        InvalidInput: too few products have reviews and vectors in the space.
    """
    began = time.perf_counter()
    dimensions = space.text_dimensions + space.image_dimensions + 2
    folds = [Moments.none(dimensions) for _ in range(FOLDS)]
    products, reviews, digest = 0, 0.0, sha256()
    for batch in _reviewed(database, space):
        products += len(batch.counts)
        reviews += batch.counts.sum()
        digest.update(batch.counts.tobytes() + batch.features.astype(np.float32).tobytes())
        for fold in range(FOLDS):
            here = batch.folds == fold
            if here.any():
                folds[fold] = folds[fold] + Moments.of(batch.features[here], batch.counts[here])
        if say is not None:
            say(f"{products:,} reviewed products read")
    filled = [fold for fold in folds if fold.rows[-1, -1]]
    if products < LEAST_PRODUCTS or len(filled) < FOLDS:
        raise InvalidInput(
            f"{products} products have reviews and are embedded, and {LEAST_PRODUCTS} are needed to foretell others",
            field="unrated",
        )
    if say is not None:
        say("measuring on products that were left out")
    values, means, units = _held_out(database, space, folds)
    gain = estimate(values - means, units)
    assert gain is not None
    better = gain.high < 0
    coefficients, strength = fit_ridge(folds)
    if not better:
        coefficients = mean_only(folds)
    report = ProductReport(
        space=space.name,
        products=products,
        reviews=int(reviews),
        mean=float(mean_only(folds)[-1] @ _STARS),
        off=float(np.sqrt(values.mean())),
        mean_off=float(np.sqrt(means.mean())),
        explained=float(1 - values.mean() / means.mean()) if means.any() else 0.0,
        gain=gain,
        better_than_mean=better,
        strength=float(strength) if better and np.isfinite(strength) else None,
        seconds=time.perf_counter() - began,
    )
    model = ProductRidge(coefficients, space.id, space.text_dimensions, space.image_dimensions)
    return model, report, digest.digest()


def list_predictions(database: Database, limit: int = 20) -> tuple[list[Prediction], int, int]:
    """The highest predictions of products that have no review now, how many there are, and how many are stale."""
    with database.read() as connection:
        rows = connection.execute(SQL["predictions"], {"limit": limit}).fetchall()
        counted = connection.execute(SQL["count_predictions"]).fetchone()
    assert counted is not None
    return [Prediction(*row) for row in rows], int(counted[0]), int(counted[1])


@dataclass(frozen=True)
class _Batch:
    """Reviewed products: ``features`` (n, d), ``counts`` (n, 5), ``folds`` (n,), and what varies together."""

    features: Floats
    counts: Floats
    folds: NDArray[np.int64]
    groups: list[str]


def _reviewed(database: Database, space: Space) -> Iterator[_Batch]:
    for rows in _batches(database, "reviewed", space):
        groups = [str(row[1]) for row in rows]
        # Variants share a text, so they share a fold; by a hash, so that an added product moves no other.
        folds = np.array([crc32(group.encode()) % FOLDS for group in groups])
        counts = np.array([row[4] for row in rows], dtype=np.float64)
        yield _Batch(_features(space, [row[2:4] for row in rows]), counts, folds, groups)


def _held_out(database: Database, space: Space, folds: list[Moments]) -> tuple[Floats, Floats, list[str]]:
    """Of each reviewed product its weighted squared error under the model of the other folds, and under their mean."""
    of_others = [[fold for place, fold in enumerate(folds) if place != held] for held in range(FOLDS)]
    models = np.stack([fit_ridge(others)[0] @ _STARS for others in of_others])
    means = np.array([float(mean_only(others)[-1] @ _STARS) for others in of_others])
    errors, mean_errors, weights, groups = [], [], [], []
    for batch in _reviewed(database, space):
        stars = batch.counts @ _STARS / batch.counts.sum(1)
        lines = models[batch.folds]
        expected = np.clip((batch.features * lines[:, :-1]).sum(1) + lines[:, -1], 1, STARS)
        errors.append((expected - stars) ** 2)
        mean_errors.append((means[batch.folds] - stars) ** 2)
        weights.append(weigh(batch.counts))
        groups += batch.groups
    weight = np.concatenate(weights)
    weight /= weight.mean()
    return np.concatenate(errors) * weight, np.concatenate(mean_errors) * weight, groups


def _load(database: Database, stored: StoredModel, space: Space) -> ProductRidge:
    if not stored.reads_products:
        raise Conflict(f"the rating model {stored.name} reads reviews, and a product without reviews has none")
    model = ProductRidge.from_bytes(read_weights(database, stored))
    if model.space_id != space.id:
        raise Conflict(
            f"the rating model {stored.name} reads the vectors of another space than {space.name}, which is active: "
            "leave --model out, and one is learnt anew"
        )
    return model


def _write(
    connection: Connection[Row], model_id: int, model: ProductRidge, space: Space, say: Say | None = None
) -> int:
    written = 0
    connection.execute(SQL["forget_predictions"])
    with connection.cursor("unrated") as reader, connection.cursor() as writer:
        reader.execute(SQL["unrated"], {"space_id": space.id})
        while rows := reader.fetchmany(FETCHED):
            shares = model.probabilities(_features(space, [row[2:4] for row in rows]))
            writer.executemany(
                SQL["predict"],
                [
                    {
                        "product_id": row[0],
                        "model_id": model_id,
                        "space_id": space.id,
                        "embedded_at": row[1],
                        # A rounding beyond the scale would be refused.
                        "expected": float(np.clip(share @ _STARS, 1, STARS)),
                        "probabilities": share.tolist(),
                    }
                    for row, share in zip(rows, shares, strict=True)
                ],
            )
            written += len(rows)
            if say is not None:
                say(f"{written:,} products predicted")
    return written


def _batches(database: Database, query: LiteralString, space: Space) -> Iterator[list[Row]]:
    with database.read() as connection, connection.transaction(), connection.cursor(query) as cursor:
        cursor.execute(SQL[query], {"space_id": space.id})
        while rows := cursor.fetchmany(FETCHED):
            yield rows


def _features(space: Space, blocks: list[Row]) -> Floats:
    texts, images = ([_numbers(block) for block in column] for column in zip(*blocks, strict=True))
    return join(texts, images, space.text_dimensions, space.image_dimensions)


def _numbers(block: HalfVector | None) -> NDArray[np.floating[Any]] | None:
    return None if block is None else block.to_numpy()
