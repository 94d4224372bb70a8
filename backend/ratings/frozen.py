"""The prototype's form: a multi-layer perceptron over what the configured encoders say, which stay as they are."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as torch's own documentation names it
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.errors import InvalidInput, NotReady
from backend.ratings import training
from backend.ratings.corpus import Example, ratings_of
from backend.ratings.decision import Decision, choose_decision
from backend.ratings.distributed import device
from backend.ratings.features import Features
from backend.ratings.layers import BatchNorm, Dropout, GlobalBatch
from backend.ratings.models import STARS, Form, History, Modality, Progress
from backend.ratings.schedules import Plateau
from backend.ratings.state import Tensors, to_bytes
from backend.ratings.training import Settings, balanced_weights

WIDTHS = (1024, 512, 128)
DROPOUT = 0.4
RATE = 1e-3
DECAY = 1e-4
# Fewer for few reviews, so that an epoch has 16 steps or more.
BATCH = 256
LEAST_BATCH = 32
# Rows asked at once.
AT_ONCE = 1_024
EPOCHS = 60
PATIENCE = 5
# To which power of the balanced weights: wholly balanced, a few hundred reviews of one star weigh as thousands of five.
BALANCE = 0.5
AVERAGE = 0.99


class Perceptron(nn.Module):
    """1024-512-128 with batch norm, ReLU and dropout behind each, then a class for each rating; a ``Network``.

    ``class_weights`` (5,) are those that it is trained with.
    """

    weighing: Tensor

    def __init__(
        self,
        width: int,
        widths: Sequence[int] = WIDTHS,
        dropout: float = DROPOUT,
        seed: int = 0,
        class_weights: Sequence[float] = (1.0,) * STARS,
    ) -> None:
        super().__init__()
        self.batch = GlobalBatch(seed)
        layers: list[nn.Module] = []
        for before, after in zip((width, *widths), widths, strict=False):
            layers += [nn.Linear(before, after), BatchNorm(after, self.batch), nn.ReLU(), Dropout(dropout, self.batch)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], STARS))
        # A rating that does not occur has no weight, and nothing to take out.
        self.register_buffer("weighing", torch.tensor([weight or 1.0 for weight in class_weights]).log())

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, 5) logits of (rows, width) features."""
        logits: Tensor = self.layers(rows)
        return logits

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of each row."""
        return F.cross_entropy(outputs, targets, reduction="none")

    def distributions(self, outputs: Tensor) -> Tensor:
        """Softmax without the class weights, by which the odds were multiplied in training (Elkan 2001, theorem 2)."""
        return (outputs - self.weighing).softmax(1)


@dataclass(frozen=True, slots=True)
class Rows:
    """Features (n, width) float32 and classes (n,) as ``training.Data``."""

    features: NDArray[np.float32]
    targets: NDArray[np.int64]

    def batches(self, size: int, random: np.random.Generator | None) -> list[NDArray[np.int64]]:
        """See ``Data.batches``."""
        order = np.arange(len(self.targets)) if random is None else random.permutation(len(self.targets))
        return [order[start : start + size] for start in range(0, len(order), size)]

    def take(self, batch: NDArray[np.int64], rows: slice) -> tuple[Tensor, ...]:
        """See ``Data.take``."""
        return (torch.from_numpy(self.features[batch[rows]]),)


class FrozenMlp:
    """Frozen encoders and a perceptron, trained with class weights between none and balanced ones."""

    form: Form = "frozen-mlp"

    def __init__(
        self, features: Features, *, seed: int = 0, widths: Sequence[int] = WIDTHS, epochs: int = EPOCHS
    ) -> None:
        if not features.modalities:
            raise InvalidInput("at least one of text and image is needed", field="modalities")
        self._features, self._seed, self._widths, self._epochs = features, seed, tuple(widths), epochs
        self._network: Perceptron | None = None
        self._decision = Decision()

    @property
    def modalities(self) -> frozenset[Modality]:
        """See ``RatingModel.modalities``."""
        return self._features.modalities

    def fit(self, train: Sequence[Example], validation: Sequence[Example], progress: Progress | None = None) -> History:
        """See ``RatingModel.fit``."""
        data, held = self._rows(train, rated=True), self._rows(validation, rated=True)
        if len(np.unique(data.targets)) < 2:
            raise InvalidInput("the reviews to learn from all have the same rating", field="rating")
        weights = balanced_weights(data.targets, BALANCE)
        with torch.random.fork_rng():
            torch.manual_seed(self._seed)
            network = Perceptron(self._features.width, self._widths, seed=self._seed, class_weights=weights)
        network.to(device())
        optimizer = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=DECAY)
        settings = Settings(
            epochs=self._epochs,
            batch=min(BATCH, max(LEAST_BATCH, len(data.targets) // 16)),
            patience=PATIENCE,
            seed=self._seed,
            average=AVERAGE,
            class_weights=weights,
        )
        history = training.train(network, data, held, optimizer, Plateau(optimizer), settings, progress)
        self._network = network.eval()
        found = training.probabilities(network, held, half=False, batch=AT_ONCE)
        self._decision = choose_decision(found, held.targets, data.targets)
        return history

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """See ``RatingModel.probabilities``."""
        network = self._trained()
        return training.probabilities(network, self._rows(examples, rated=False), half=False, batch=AT_ONCE)

    def decide(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """See ``decision.py``; validation chose how."""
        return self._decision.stars(probabilities)

    def predict(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """See ``RatingModel.predict``."""
        return self.decide(self.probabilities(examples))

    def to_bytes(self) -> bytes:
        """See ``RatingModel.to_bytes``; the encoders are named, not kept."""
        described = {
            "form": self.form,
            "text_encoder": self._features.text_encoder,
            "image_encoder": self._features.image_encoder,
            "modalities": sorted(self.modalities),
            "versions": self._features.versions,
            "widths": list(self._widths),
            "decision": asdict(self._decision),
        }
        state = {name: value.cpu().numpy() for name, value in self._trained().state_dict().items()}
        return to_bytes(described, state)

    @classmethod
    def from_state(cls, described: dict[str, Any], tensors: Tensors) -> Self:
        """The model that ``to_bytes`` kept."""
        features = Features(described["text_encoder"], described["image_encoder"], described["modalities"], keeps=False)
        features.check_versions(described["versions"])
        model = cls(features, widths=described["widths"])
        network = Perceptron(features.width, described["widths"])
        network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in tensors.items()})
        model._network = network.to(device()).eval()
        model._decision = Decision(**described["decision"])
        return model

    def _rows(self, examples: Sequence[Example], *, rated: bool) -> Rows:
        ratings = ratings_of(examples) if rated else [0] * len(examples)
        return Rows(self._features.rows(examples), np.array(ratings, dtype=np.int64) - 1)

    def _trained(self) -> Perceptron:
        if self._network is None:
            raise NotReady("the model is not trained yet", retry_after=None)
        return self._network
