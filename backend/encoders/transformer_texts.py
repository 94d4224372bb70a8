"""What text encoders that run a transformer share: texts of like length in a batch, batches side by side."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.lanes import Lanes
from backend.encoders.protocols import Described, EncoderSpec
from backend.encoders.text_batches import batches
from backend.encoders.unit import unit_rows

# About what 512 tokens hold; what follows is not read and costs nothing.
READ_CHARACTERS = 2_400


class TransformerTexts(Described):
    """A loaded model; one copy serves all threads. A kind of model says how it cuts texts and pools their tokens."""

    def __init__(self, spec: EncoderSpec, lanes: Lanes) -> None:
        super().__init__(spec)
        self._lanes = lanes
        # The tokenizer keeps its padding and truncation as state, so two threads inside it raise "Already borrowed".
        self._tokenizing = threading.Lock()

    def encode(self, texts: Sequence[str], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``TextEncoder.encode``."""
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        written = [index for index, text in enumerate(texts) if text.strip()]
        found = list(batches(written, [len(text) for text in texts], read=READ_CHARACTERS))
        for batch, vectors in zip(
            found, self._lanes.map(self._encoded, ([texts[i] for i in b] for b in found)), strict=True
        ):
            rows[batch] = vectors
        return unit_rows(rows) if normalized else rows

    def warm_up(self) -> None:
        """Encode one text."""
        self.encode(["warm-up"])

    def _encoded(self, batch: list[str]) -> NDArray[np.float32]:
        import torch

        with self._tokenizing:
            tokens = self._tokens(batch)
        with torch.inference_mode():
            vectors: NDArray[np.float32] = self._vectors(tokens).to(torch.float32).numpy()
        return vectors

    def _tokens(self, batch: list[str]) -> Any:
        """The batch as the model's input; entered by one thread at a time."""
        raise NotImplementedError

    def _vectors(self, tokens: Any) -> Any:
        """A torch tensor (n, dimensions) of the model's rows, before they are normalised."""
        raise NotImplementedError


class TokenizedTexts(TransformerTexts):
    """A model of transformers itself, with its tokenizer; a kind of model says how it pools."""

    def __init__(self, spec: EncoderSpec, model: Any, tokenizer: Any, lanes: Lanes) -> None:
        super().__init__(spec, lanes)
        self._model = model
        self._tokenizer = tokenizer

    def _tokens(self, batch: list[str]) -> Any:
        return self._tokenizer(
            batch,
            padding=True,
            truncation=True,
            max_length=self._model.config.max_position_embeddings,
            return_tensors="pt",
        )
