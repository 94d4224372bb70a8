"""``letters[?pairs=yes|no]``: how often each letter, or each pair of letters, is in a text.

The plug-in is this module: Shelfmate asks it for ``form``, ``describe`` and ``load``.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.encoders import Described, EncoderName, EncoderSpec, Form

ALPHABET = "abcdefghijklmnopqrstuvwxyz"

form = Form("letters", options={"pairs": "yes|no"})


def describe(name: EncoderName) -> EncoderSpec:
    """What ``load(name).spec`` is; cheap, and without importing a model library."""
    dimensions = len(ALPHABET) ** (2 if name.option("pairs", "no") == "yes" else 1)
    # A new version whenever the same text would get another row.
    return EncoderSpec(str(name), dimensions, version="1")


def load(name: EncoderName) -> "Letters":
    """The encoder, ready for use."""
    return Letters(describe(name))


class Letters(Described):
    """``Described`` gives ``spec``, ``name``, ``dimensions`` and ``version``."""

    def encode(self, texts: Sequence[str], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``backend.encoders.TextEncoder``: float32 rows of length 1, zero for a text without letters."""
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        size = 1 if self.dimensions == len(ALPHABET) else 2
        for row, text in zip(rows, texts, strict=True):
            places = [ALPHABET.index(letter) for letter in text.lower() if letter in ALPHABET]
            for start in range(len(places) - size + 1):
                row[np.ravel_multi_index(places[start : start + size], (len(ALPHABET),) * size)] += 1
        if normalized:
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            rows /= np.where(lengths > 0, lengths, 1)
        return rows

    def warm_up(self) -> None:
        """Nothing to do."""
