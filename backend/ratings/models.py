"""What every form of the rating predictor offers, whatever is inside.

``forms.py`` makes one by its name and reads one back from its bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from backend.ratings.corpus import Example

Form = Literal["fine-tuned", "frozen-mlp", "baseline"]
FORMS: tuple[Form, ...] = ("fine-tuned", "frozen-mlp", "baseline")
Modality = Literal["text", "image"]
MODALITIES: tuple[Modality, ...] = ("text", "image")
STARS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """Where a training is: ``done`` of ``total`` batches, in epoch ``epoch`` (from 1), with this batch's loss."""

    epoch: int
    done: int
    total: int
    loss: float


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training part, and how the model did afterwards.

    ``loss`` is the mean training loss and ``validation_loss`` the mean negative log-likelihood of the validation part's
    stars; ``accuracy``, ``mae`` and ``kappa`` (quadratic) are of the validation part; ``seconds`` is wall time.
    """

    number: int
    loss: float
    validation_loss: float
    accuracy: float
    mae: float
    kappa: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """The epochs of a training in order; ``best`` is the number of the one that was kept, 0 where there is none."""

    epochs: tuple[Epoch, ...] = ()
    best: int = 0
    stopped_early: bool = False


class RatingModel(Protocol):
    """Predicts how many stars, 1 to 5, whoever wrote a review gave.

    The same seed, examples and machine give the same model. After ``fit`` or ``from_bytes`` threads may share it.
    """

    @property
    def form(self) -> Form:
        """Which of the three forms it is."""
        ...

    @property
    def modalities(self) -> frozenset[Modality]:
        """What it reads of an example; the rest is left out in training and prediction alike."""
        ...

    def fit(self, train: Sequence[Example], validation: Sequence[Example], progress: Progress | None = None) -> History:
        """Train on rated examples; ``validation`` chooses the epoch, the decision and what else is chosen.

        Raises:
            InvalidInput: an example has no rating, or there are too few examples or different ratings to learn from.
            WeightsMissing: an encoder's weights are not on this machine.
        """
        ...

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """(n, 5) float64: of each example the probability of 1, 2, ... 5 stars; each row sums to 1 within 1e-9.

        Raises:
            NotReady: it is not trained yet.
        """
        ...

    def decide(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,) int64 stars from 1 to 5 for rows of ``probabilities``: the one prediction that is measured."""
        ...

    def predict(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """``decide`` of ``probabilities``."""
        ...

    def to_bytes(self) -> bytes:
        """Everything that ``forms.read_model`` needs, as safetensors with JSON beside; no pickle.

        Raises:
            NotReady: it is not trained yet.
        """
        ...


def most_probable(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) the rating with the highest probability of each row, the lower of two that are equal."""
    stars: NDArray[np.int64] = probabilities.argmax(1) + 1
    return stars


def expected_stars(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) mean of each row's distribution over 1 to 5 stars."""
    return probabilities @ np.arange(1.0, STARS + 1)
