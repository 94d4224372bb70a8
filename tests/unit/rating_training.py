"""Trains both networks, alone or by torchrun, and keeps what they say: `python -m tests.unit.rating_training FILE`."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.ratings import fine_tuned, frozen, training
from backend.ratings.distributed import joined
from backend.ratings.models import RatingModel
from tests.unit.rating_models import backbone, examples, features

# 61 and 33 leave a last batch that is shared out unevenly, and one of a single row.
TRAIN, VALIDATION = 61, 17


def trained() -> dict[str, NDArray[Any]]:
    """Weights and probabilities of both forms after a few epochs of small batches."""
    train, validation, asked = examples(TRAIN, images=True), examples(VALIDATION, seed=1), examples(20, seed=2)
    frozen.BATCH, fine_tuned.BATCH = 12, 4
    # In float32, so that rounding does not cover a difference.
    training.half_is_fast = lambda _place: False
    made: dict[str, RatingModel] = {
        "frozen": frozen.FrozenMlp(features(), widths=(24, 16, 8), epochs=4),
        "tuned": fine_tuned.FineTuned(features(), backbone=backbone(), epochs=2),
    }
    found: dict[str, NDArray[Any]] = {}
    for name, model in made.items():
        history = model.fit(train, validation)
        found[f"{name} losses"] = np.array([epoch.loss for epoch in history.epochs])
        found[f"{name} probabilities"] = model.probabilities(asked)
        network = model._network if isinstance(model, frozen.FrozenMlp) else model._reader
        found |= {f"{name} {key}": value.numpy() for key, value in network.state_dict().items()}
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined() as world:
        result = trained()
        # Each rank's own, so that the test sees that all ended alike.
        path = Path(sys.argv[1])
        np.savez(path.with_name(f"{path.name}-{world.rank}-of-{world.size}.npz"), **result)
