"""``tfidf?dimensions=256``: TF-IDF of a catalogue's own words, then SVD (latent semantic analysis).

A text is lower-cased and cut into words of two letters or digits and more; English stop words (scikit-learn's list) are
left out. Its TF-IDF vector has one number a word, thousands in all, and no index takes so many, so the SVD is part of
the encoder. Rows are those of scikit-learn's ``TfidfVectorizer`` and ``TruncatedSVD``.
"""

import hashlib
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.names import EncoderName, whole_number
from backend.encoders.protocols import Described, EncoderSpec
from backend.encoders.unit import unit_rows
from backend.errors import ConfigurationError

RECIPE = 1
DEFAULT_DIMENSIONS = 256
# The most that a halfvec index takes.
MOST_DIMENSIONS = 4000
# Only the most frequent words are kept: 20,000 words x 256 dimensions are 20 MB of state.
MOST_WORDS = 20_000
WORD = r"(?u)\b\w\w+\b"
SEED = 0
# A singular value below this share of the largest is rounding: there is no direction behind it.
NO_DIRECTION = 1e-6
# Texts in one step: the dense result of a step and the words of its texts stay small.
BATCH = 1024


class TfIdf(Described):
    """Fitted on texts; nothing in it changes afterwards, so threads share it."""

    def __init__(
        self, spec: EncoderSpec, words: list[str], idf: NDArray[np.float32], axes: NDArray[np.float32]
    ) -> None:
        super().__init__(spec)
        self._vectorizer = _vectorizer(words)
        self._vectorizer.idf_ = idf
        self._axes = np.ascontiguousarray(axes.T)

    def encode(self, texts: Sequence[str], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``TextEncoder.encode``."""
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            counts = self._vectorizer.transform(texts[start : start + BATCH])
            rows[start : start + BATCH] = counts @ self._axes
        return unit_rows(rows) if normalized else rows

    def warm_up(self) -> None:
        """Nothing to do."""


def fit(name: EncoderName, texts: Sequence[str]) -> bytes:
    """The state of the encoder ``name`` fitted on ``texts``: vocabulary, idf and axes as safetensors bytes.

    Raises:
        ConfigurationError: the texts do not have so many directions as ``dimensions`` asks; the message gives the
            number that is possible.
    """
    from sklearn.decomposition import TruncatedSVD
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # The package ships no types.

    dimensions = _dimensions(name)
    vectorizer = _vectorizer(None)
    words = set(chain.from_iterable(map(vectorizer.build_analyzer(), texts)))
    if len(words) < 2:
        raise ConfigurationError(
            f"{str(name)!r} cannot be fitted: the {len(texts)} texts hold {len(words)} different words, and 2 are "
            "needed at least."
        )
    counts = vectorizer.fit_transform(texts)
    # Several threads add up in an order of their own, and the state would differ in its last digits. Texts that are
    # all alike have no variance, by which the explained part of it is divided.
    with threadpool_limits(1), np.errstate(divide="ignore", invalid="ignore"):
        svd = TruncatedSVD(min(dimensions, *counts.shape), random_state=SEED).fit(counts)
    possible = int((svd.singular_values_ > NO_DIRECTION * svd.singular_values_[0]).sum())
    if dimensions > possible:
        raise ConfigurationError(
            f"{str(name)!r} cannot be fitted: {len(texts)} texts with {counts.shape[1]} different words allow "
            f"{possible} dimensions at most. Write tfidf?dimensions={possible}, or fewer."
        )
    return _state(list(vectorizer.get_feature_names_out()), vectorizer.idf_, svd.components_)


def describe(name: EncoderName, state: bytes) -> EncoderSpec:
    """The encoder ``name`` with this state.

    Raises:
        ConfigurationError: the state is not one of this encoder.
    """
    return _read(name, state)[0]


def load(name: EncoderName, state: bytes) -> TfIdf:
    """The encoder ``name`` with this state.

    Raises:
        ConfigurationError: the state is not one of this encoder.
    """
    return TfIdf(*_read(name, state))


def _vectorizer(words: list[str] | None) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    # Stop words are no part of the vocabulary, so they matter only where that is made.
    return TfidfVectorizer(
        lowercase=True,
        token_pattern=WORD,
        stop_words="english" if words is None else None,
        max_features=MOST_WORDS if words is None else None,
        vocabulary=words,
    )


def _dimensions(name: EncoderName) -> int:
    return whole_number(name, name.option("dimensions", str(DEFAULT_DIMENSIONS)), 1, MOST_DIMENSIONS, "dimensions")


def _state(words: list[str], idf: NDArray[np.float32], axes: NDArray[np.float32]) -> bytes:
    from safetensors.numpy import save

    return save(
        {
            "words": np.frombuffer("\n".join(words).encode(), dtype=np.uint8),
            "idf": np.asarray(idf, dtype=np.float32),
            "axes": np.ascontiguousarray(axes, dtype=np.float32),
        },
        # One entry only: safetensors writes several in a random order, and the same state would have two hashes.
        {"encoder": f"tfidf {RECIPE}"},
    )


def _read(name: EncoderName, state: bytes) -> tuple[EncoderSpec, list[str], NDArray[np.float32], NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_tensors

    try:
        tensors = load_tensors(state)
    except SafetensorError as error:
        raise ConfigurationError(f"The stored state of {str(name)!r} cannot be read: fit it again.") from error
    dimensions = _dimensions(name)
    words = tensors["words"].tobytes().decode().split("\n") if "words" in tensors else []
    shapes = {part: tensor.shape for part, tensor in tensors.items() if part != "words"}
    if not words or shapes != {"idf": (len(words),), "axes": (dimensions, len(words))}:
        raise ConfigurationError(f"The stored state is none of {str(name)!r}: fit it again.")
    spec = EncoderSpec(str(name), dimensions, f"{RECIPE}-{hashlib.sha256(state).hexdigest()[:12]}")
    return spec, words, tensors["idf"], tensors["axes"]
