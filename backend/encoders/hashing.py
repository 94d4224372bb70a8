"""Our own encoders for tests: no weights, any number of dimensions, the same vectors on every machine.

Similar inputs come near each other by what they share on the surface: words and letters, colours and their places.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b, shake_256

import numpy as np
from numpy.typing import NDArray

from backend.encoders.names import EncoderName, whole_number
from backend.encoders.protocols import Described, EncoderSpec
from backend.encoders.squares import prepare_square
from backend.encoders.unit import unit_rows

DEFAULT_DIMENSIONS = 64
# The most that a halfvec index takes.
MOST_DIMENSIONS = 4000
VERSION = "2"

SIDE = 224
GRID = 8
SHADES = 4
FEATURES = GRID * GRID * 3 + SHADES**3

WORD_WEIGHT = 1.0
TRIGRAM_WEIGHT = 0.4


class HashingText(Described):
    """Signed feature hashing (Weinberger et al. 2009) of words and of their letter trigrams."""

    def __init__(self, dimensions: int = DEFAULT_DIMENSIONS) -> None:
        super().__init__(describe(EncoderName("hashing", str(dimensions))))

    def encode(self, texts: Sequence[str], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``TextEncoder.encode``."""
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            if not text.strip():
                continue
            for feature, weight in _text_features(text.casefold()):
                place, sign = _hash(feature, self.dimensions)
                row[place] += sign * weight
            if not row.any():
                # Opposite signs met; a zero row would say that there is no text.
                row[_hash(text, self.dimensions)[0]] = 1.0
        return unit_rows(rows) if normalized else rows

    def warm_up(self) -> None:
        """Nothing to do."""


class HashingImage(Described):
    """Mean colours of an 8 x 8 grid and a histogram of 64 colours, projected by fixed random signs."""

    def __init__(self, dimensions: int = DEFAULT_DIMENSIONS) -> None:
        super().__init__(describe(EncoderName("hashing", str(dimensions))))
        bits = np.frombuffer(shake_256(b"hashing image").digest(FEATURES * dimensions // 8), dtype=np.uint8)
        self._signs = np.unpackbits(bits).reshape(FEATURES, dimensions).astype(np.float32) * 2 - 1

    def prepare(self, data: bytes) -> NDArray[np.uint8]:
        """See ``ImageEncoder.prepare``; shape (224, 224, 3)."""
        return prepare_square(data, SIDE)

    def encode(self, prepared: Sequence[NDArray[np.uint8]], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``ImageEncoder.encode``."""
        features = np.zeros((len(prepared), FEATURES), dtype=np.float32)
        for row, pixels in zip(features, prepared, strict=True):
            row[:] = _image_features(pixels)
        rows = features @ self._signs
        return unit_rows(rows) if normalized else rows

    def warm_up(self) -> None:
        """Nothing to do."""


def load_text(name: EncoderName) -> HashingText:
    """The text encoder of ``hashing[:DIMENSIONS]``."""
    return HashingText(_dimensions(name))


def load_image(name: EncoderName) -> HashingImage:
    """The image encoder of ``hashing[:DIMENSIONS]``."""
    return HashingImage(_dimensions(name))


def describe(name: EncoderName) -> EncoderSpec:
    """Either of them, without making it."""
    dimensions = _dimensions(name)
    return EncoderSpec(f"hashing:{dimensions}", dimensions, VERSION)


def _dimensions(name: EncoderName) -> int:
    if name.argument is None:
        return DEFAULT_DIMENSIONS
    return whole_number(name, name.argument, 1, MOST_DIMENSIONS, "dimensions")


def _text_features(text: str) -> Iterator[tuple[str, float]]:
    # A text of signs only has no words; its signs are then the word.
    for word in re.findall(r"\w+", text) or text.split():
        yield word, WORD_WEIGHT
        marked = f"<{word}>"
        for start in range(len(marked) - 2):
            yield marked[start : start + 3], TRIGRAM_WEIGHT


def _hash(feature: str, dimensions: int) -> tuple[int, int]:
    number = int.from_bytes(blake2b(feature.encode(errors="surrogatepass"), digest_size=8).digest(), "little")
    return (number >> 1) % dimensions, 1 if number & 1 else -1


def _image_features(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    cell = SIDE // GRID
    grid = pixels.reshape(GRID, cell, GRID, cell, 3).mean(axis=(1, 3), dtype=np.float64) / 255 - 0.5
    shades = pixels.reshape(-1, 3).astype(np.int64) * SHADES // 256
    counts = np.bincount(shades @ (SHADES**2, SHADES, 1), minlength=SHADES**3)
    # The square root (Hellinger) keeps one background colour from outweighing the rest; 4 balances it with the grid.
    return np.concatenate([grid.ravel(), 4 * np.sqrt(counts / counts.sum())]).astype(np.float32)
