"""The network that reads reviews: a text encoder trained end to end, with an ordinal head and a class head."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as torch's own documentation names it
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.ratings.backbone import DROPOUT, Backbone, Tokens
from backend.ratings.layers import Dropout, GlobalBatch, replace_dropout
from backend.ratings.models import STARS
from backend.ratings.ordinal import QUESTIONS, cumulative_loss, cumulative_probabilities

# Spread of a new layer's weights, BERT's own.
SPREAD = 0.02
IMAGE_WIDTH = 128
# Texts of so many batches are sorted by length together: little padding, and still another order in every epoch.
SORTED_BATCHES = 50
# Widths are rounded up to this: kernels of few shapes are reused, and bfloat16 is read in whole registers.
WIDTH_STEP = 8


class Reader(nn.Module):
    """Mean of the last layer's token vectors, with the image block behind it where there is one; a ``Network``.

    The two heads see the same vector: four cumulative logits, and five classes. Their distributions are averaged: the
    first orders the ratings and keeps errors near, the second finds the most frequent of them more often.
    """

    def __init__(self, backbone: Backbone, image_width: int = 0, seed: int = 0) -> None:
        super().__init__()
        self.batch = GlobalBatch(seed)
        self.encoder = backbone.module()
        replace_dropout(self.encoder, self.batch, DROPOUT)
        self.image = nn.Sequential(nn.Linear(image_width, IMAGE_WIDTH), nn.Tanh()) if image_width else None
        self.dropout = Dropout(DROPOUT, self.batch)
        width = backbone.width + (IMAGE_WIDTH if image_width else 0)
        self.questions, self.classes = nn.Linear(width, QUESTIONS), nn.Linear(width, STARS)
        for head in (self.questions, self.classes):
            nn.init.normal_(head.weight, std=SPREAD)
            nn.init.zeros_(head.bias)
        self._typed = backbone.config["model_type"] == "bert"

    def forward(self, ids: Tensor, kinds: Tensor, mask: Tensor, images: Tensor) -> Tensor:
        """(rows, 9) logits: "more than 1, 2, 3, 4 stars", then the five classes."""
        given = {"token_type_ids": kinds} if self._typed else {}
        hidden = self.encoder(input_ids=ids, attention_mask=mask, **given).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        vector = (hidden * weights).sum(1) / weights.sum(1)
        if self.image is not None:
            vector = torch.cat([vector, self.image(images).to(vector.dtype)], 1)
        vector = self.dropout(vector)
        return torch.cat([self.questions(vector), self.classes(vector)], 1)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Half the mean question's cross-entropy, doubled to the classes' size, and half the classes'."""
        ordered = cumulative_loss(outputs[:, :QUESTIONS], targets) / 2
        return (ordered + F.cross_entropy(outputs[:, QUESTIONS:], targets, reduction="none")) / 2

    def distributions(self, outputs: Tensor) -> Tensor:
        """The mean of both heads' distributions."""
        return (cumulative_probabilities(outputs[:, :QUESTIONS]) + outputs[:, QUESTIONS:].softmax(1)) / 2


@dataclass(frozen=True, slots=True)
class Reviews:
    """Tokens, image rows (n, width) float32 (width 0 without) and classes (n,) as ``training.Data``."""

    tokens: Sequence[Tokens]
    images: NDArray[np.float32]
    targets: NDArray[np.int64]

    def batches(self, size: int, random: np.random.Generator | None) -> list[NDArray[np.int64]]:
        """Batches of texts about as long as each other; see ``Data.batches``."""
        lengths = np.array([len(ids) for ids, _ in self.tokens])
        if random is None:
            order = np.argsort(lengths, kind="stable")
            return [order[start : start + size] for start in range(0, len(order), size)]
        order, step = random.permutation(len(lengths)), size * SORTED_BATCHES
        found = []
        for start in range(0, len(order), step):
            part = order[start : start + step]
            part = part[np.argsort(lengths[part], kind="stable")]
            found += [part[begin : begin + size] for begin in range(0, len(part), size)]
        return [found[place] for place in random.permutation(len(found))]

    def take(self, batch: NDArray[np.int64], rows: slice) -> tuple[Tensor, ...]:
        """Ids, types, mask and image rows, padded to the longest text of the whole batch; see ``Data.take``."""
        width = -(-max(len(self.tokens[place][0]) for place in batch) // WIDTH_STEP) * WIDTH_STEP
        mine = batch[rows]
        ids, kinds, mask = (np.zeros((len(mine), width), dtype=np.int64) for _ in range(3))
        for row, place in enumerate(mine):
            tokens, types = self.tokens[place]
            ids[row, : len(tokens)], kinds[row, : len(tokens)], mask[row, : len(tokens)] = tokens, types, 1
        return (*(torch.from_numpy(array) for array in (ids, kinds, mask)), torch.from_numpy(self.images[mine]))


def parameter_groups(
    reader: Reader, rate: float, head_factor: float, decay: float, layer_decay: float
) -> list[dict[str, object]]:
    """The optimizer's groups: each layer learns ``layer_decay`` times as fast as the one above (Howard and Ruder 2018).

    The embeddings lie below the first layer; heads and image branch learn ``head_factor`` times as fast as the last
    layer. Biases and norms are not decayed.
    """
    layers = 1 + max(_layer(name) for name, _ in reader.named_parameters())
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in reader.named_parameters():
        if not name.startswith("encoder."):
            speed = rate * head_factor
        else:
            # -1 for the embeddings, else the layer's number from below.
            speed = rate * layer_decay ** (layers - 1 - _layer(name))
        groups.setdefault((speed, decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    return [{"params": found, "lr": speed, "weight_decay": worn} for (speed, worn), found in groups.items()]


def _layer(name: str) -> int:
    parts = name.split(".")
    return int(parts[parts.index("layer") + 1]) if "layer" in parts else -1
