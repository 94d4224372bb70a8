"""The best form: a text encoder fine-tuned end to end, stacked with a TF-IDF model on the validation part."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from backend.errors import InvalidInput, NotReady
from backend.ratings import training
from backend.ratings.backbone import Backbone, open_backbone
from backend.ratings.baseline import Baseline
from backend.ratings.corpus import Example, ratings_of
from backend.ratings.decision import Decision, choose_decision
from backend.ratings.distributed import device
from backend.ratings.features import Features
from backend.ratings.models import Form, History, Modality, Progress
from backend.ratings.reading import Reader, Reviews, parameter_groups
from backend.ratings.schedules import WarmUp
from backend.ratings.stacking import fit_stack, stack
from backend.ratings.state import Tensors, tensor_text, text_tensor, to_bytes
from backend.ratings.written import pair

RATE = 1e-4
HEAD_FACTOR = 10.0
DECAY = 0.01
LAYER_DECAY = 0.9
AVERAGE = 0.995
BATCH = 32
EPOCHS = 3
# Few reviews need more epochs to have steps enough, many need fewer.
LEAST_STEPS, MOST_EPOCHS = 300, 10
MANY = 100_000


class FineTuned:
    """See the module. ``image`` among the modalities adds a branch over frozen image features, where there are any."""

    form: Form = "fine-tuned"

    def __init__(
        self,
        features: Features,
        *,
        seed: int = 0,
        backbone: Backbone | None = None,
        epochs: int | None = None,
    ) -> None:
        if "text" not in features.modalities:
            raise InvalidInput("the fine-tuned form trains a text encoder: text cannot be left out", field="modalities")
        self._features, self._seed, self._epochs, self._given = features, seed, epochs, backbone
        self._reader: Reader | None = None
        self._companion = Baseline(balanced=False)
        self._weights, self._offsets = np.array([1.0, 0.0]), np.zeros(5)
        self._decision = Decision()

    @property
    def modalities(self) -> frozenset[Modality]:
        """See ``RatingModel.modalities``."""
        return self._features.modalities

    @cached_property
    def _backbone(self) -> Backbone:
        return self._given or open_backbone(self._features.text_encoder)

    def fit(self, train: Sequence[Example], validation: Sequence[Example], progress: Progress | None = None) -> History:
        """See ``RatingModel.fit``."""
        self._companion.fit(train, validation)
        pictured = "image" in self.modalities and any(example.image is not None for example in train)
        data, held = (
            self._reviews(train, rated=True, pictured=pictured),
            self._reviews(validation, rated=True, pictured=pictured),
        )
        with torch.random.fork_rng():
            torch.manual_seed(self._seed)
            reader = Reader(self._backbone, data.images.shape[1], self._seed).to(device())
        epochs = self._epochs or epochs_for(len(train))
        optimizer = torch.optim.AdamW(parameter_groups(reader, RATE, HEAD_FACTOR, DECAY, LAYER_DECAY), fused=True)
        settings = training.Settings(
            epochs=epochs,
            batch=BATCH,
            patience=epochs,
            seed=self._seed,
            average=AVERAGE,
            half=training.half_is_fast(device()),
        )
        schedule = WarmUp(optimizer, epochs * len(data.batches(BATCH, None)))
        history = training.train(reader, data, held, optimizer, schedule, settings, progress)
        self._reader = _rounded(reader).eval()
        parts = [self._read(held, together=True), self._companion.probabilities(validation)]
        self._weights, self._offsets = fit_stack(parts, held.targets)
        stacked = stack(parts, self._weights, self._offsets)
        self._decision = choose_decision(stacked, held.targets, data.targets)
        return history

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """See ``RatingModel.probabilities``."""
        own, companion = self.parts(examples)
        return stack([own, companion], self._weights, self._offsets)

    def parts(self, examples: Sequence[Example]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n, 5) of the text encoder alone, and of the TF-IDF model that it is stacked with.

        Raises:
            NotReady: it is not trained yet.
        """
        pictured = self._trained().image is not None
        data = self._reviews(examples, rated=False, pictured=pictured)
        return self._read(data), self._companion.probabilities(examples)

    def decide(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """See ``decision.py``; validation chose how."""
        return self._decision.stars(probabilities)

    def predict(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """See ``RatingModel.predict``."""
        return self.decide(self.probabilities(examples))

    def to_bytes(self) -> bytes:
        """See ``RatingModel.to_bytes``; the image encoder is named, not kept."""
        reader = self._trained()
        pictured = reader.image is not None
        described = {
            "form": self.form,
            "text_encoder": self._features.text_encoder,
            "image_encoder": self._features.image_encoder,
            "modalities": sorted(self.modalities),
            "config": self._backbone.config,
            "pictured": pictured,
            # Its text encoder's weights are its own.
            "versions": {"image": self._features.versions["image"]} if pictured else {},
            "decision": asdict(self._decision),
        }
        tensors: Tensors = {"tokenizer": text_tensor(self._backbone.tokenizer)}
        tensors |= {"weights": self._weights, "offsets": self._offsets}
        tensors |= {f"reader.{name}": value.half().cpu().numpy() for name, value in reader.state_dict().items()}
        tensors |= {f"companion.{name}": value for name, value in self._companion.tensors().items()}
        return to_bytes(described, tensors)

    @classmethod
    def from_state(cls, described: dict[str, Any], tensors: Tensors) -> Self:
        """The model that ``to_bytes`` kept."""
        own, companion = _under("reader.", tensors), _under("companion.", tensors)
        weights = _under("encoder.", own)
        features = Features(described["text_encoder"], described["image_encoder"], described["modalities"], keeps=False)
        features.check_versions(described["versions"])
        backbone = Backbone(described["config"], tensor_text(tensors["tokenizer"]), weights)
        model = cls(features, backbone=backbone)
        reader = Reader(backbone, features.image_width + 1 if described["pictured"] else 0)
        reader.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in own.items()})
        model._reader = reader.to(device()).eval()
        model._companion = Baseline.from_tensors(companion, balanced=False)
        model._weights, model._offsets = tensors["weights"], tensors["offsets"]
        model._decision = Decision(**described["decision"])
        return model

    def _reviews(self, examples: Sequence[Example], *, rated: bool, pictured: bool) -> Reviews:
        ratings = ratings_of(examples) if rated else [0] * len(examples)
        images = self._features.images([example.image for example in examples]) if pictured else None
        return Reviews(
            self._backbone.tokens([pair(example) for example in examples]),
            np.zeros((len(examples), 0), dtype=np.float32) if images is None else images,
            np.array(ratings, dtype=np.int64) - 1,
        )

    def _read(self, data: Reviews, *, together: bool = False) -> NDArray[np.float64]:
        half = training.half_is_fast(device())
        return training.probabilities(self._trained(), data, half=half, together=together)

    def _trained(self) -> Reader:
        if self._reader is None:
            raise NotReady("the model is not trained yet", retry_after=None)
        return self._reader


def epochs_for(count: int) -> int:
    """How often ``count`` reviews are read: 3 times, more often where that makes few steps, less often with many."""
    if count >= MANY:
        return EPOCHS - 1
    steps = max(1, -(-count // BATCH))
    return min(MOST_EPOCHS, max(EPOCHS, -(-LEAST_STEPS // steps)))


def _rounded(reader: Reader) -> Reader:
    """``reader`` with its weights as float16 keeps them: the model that is stored is the one that was measured."""
    with torch.no_grad():
        for parameter in reader.parameters():
            parameter.copy_(parameter.half())
    return reader


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
