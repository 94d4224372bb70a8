"""Rating models as a server holds them: loaded once, shared by threads, the last two kept."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput
from backend.ratings.corpus import Example
from backend.ratings.leak import strip_rating
from backend.ratings.models import RatingModel, expected_stars
from backend.ratings.store import StoredModel, find_model, read_weights

# A fine-tuned model takes some 100 MB: the default, and another one beside it.
MOST_LOADED = 2


@dataclass(frozen=True)
class Rated:
    """What a model makes of one review: ``stars`` 1 to 5, ``expected`` the mean of ``probabilities`` (5,)."""

    stars: int
    expected: float
    probabilities: tuple[float, ...]


class LoadedModels:
    """The models of a database. Every method may be called from any number of threads at once.

    Which model is meant is asked of the database every time, so that a new default answers at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        # Predictions take turns: each uses all cores already, and so no more than one batch is in memory.
        self._turn = Lock()
        self._models: OrderedDict[tuple[int, bytes], RatingModel] = OrderedDict()

    def rate(self, examples: Sequence[Example], name: str | None = None) -> tuple[StoredModel, list[Rated]]:
        """What the named model, or the default one, makes of these reviews, in order.

        Raises:
            NotFound: there is no model of this name.
            NotReady: none is trained.
            Conflict: the model rates products and not reviews, is damaged, or is of another format.
            WeightsMissing: an encoder's weights are not on this machine.
        """
        stored = find_model(self._database, name)
        if stored.reads_products:
            raise Conflict(f"the rating model {stored.name} rates products, and cannot read a review", field="model")
        model = self._load(stored)
        with self._turn:
            return stored, rate(model, examples)

    def _load(self, stored: StoredModel) -> RatingModel:
        key = (stored.id, stored.digest)
        # One loads, the others wait for it: two at once would take twice the memory.
        with self._lock:
            model = self._models.get(key)
            if model is None:
                model = load_model(self._database, stored)
                self._models[key] = model
                while len(self._models) > MOST_LOADED:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return model


def load_model(database: Database, stored: StoredModel) -> RatingModel:
    """The model of a row.

    Raises:
        Conflict: it is damaged, of another format or of another version of an encoder, or its weights are of another
            form than its row says.
        WeightsMissing: an encoder's weights are not on this machine.
    """
    # It brings the model libraries, which a server that predicts nothing does without.
    from backend.ratings.forms import read_model

    try:
        model = read_model(read_weights(database, stored))
    except InvalidInput as error:
        raise Conflict(f"the rating model {stored.name} cannot be used: {error}", field="model") from error
    if model.form != stored.form:
        raise Conflict(f"the rating model {stored.name} is kept as {stored.form}, but its weights are of {model.form}")
    return model


def rate(model: RatingModel, examples: Sequence[Example]) -> list[Rated]:
    """What a model makes of each review; titles lose what says the rating, as they did in training."""
    if not examples:
        return []
    rows: NDArray[np.float64] = model.probabilities([_as_learnt(example) for example in examples])
    stars, expected = model.decide(rows), expected_stars(rows)
    return [
        Rated(int(star), float(mean), tuple(float(share) for share in row))
        for star, mean, row in zip(stars, expected, rows, strict=True)
    ]


def _as_learnt(example: Example) -> Example:
    return replace(example, title=strip_rating(example.title))
