"""A text encoder, plugged in, that cannot bear some texts: it raises, kills its process, or never comes back."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.encoders.hashing import HashingText
from backend.encoders.names import EncoderName, Form
from backend.encoders.protocols import EncoderSpec

form = Form("poisonous", "DIMENSIONS")
DIMENSIONS = 64


def describe(name: EncoderName) -> EncoderSpec:
    """``poisonous:64``."""
    return EncoderSpec(str(name), DIMENSIONS, "1")


def load(name: EncoderName) -> "Poisonous":
    """See ``describe``."""
    return Poisonous(name)


class Poisonous(HashingText):
    """``hashing:64``, but for the texts that say what is to happen."""

    def __init__(self, name: EncoderName) -> None:
        super().__init__(DIMENSIONS)
        self._spec = describe(name)

    def encode(self, texts: Sequence[str], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``TextEncoder.encode``."""
        for text in texts:
            if "poison raises" in text:
                raise RuntimeError("poison")
            if "poison kills" in text:
                os.kill(os.getpid(), signal.SIGKILL)
            if "poison hangs" in text:
                time.sleep(3600)
        return super().encode(texts, normalized=normalized)


def installed(place: Path) -> str:
    """A PYTHONPATH by which processes find this encoder as if a package had brought it."""
    package = place / "poisonous-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: poisonous\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[shelfmate.text_encoders]\npoisonous = tests.chaos.poison\n")
    return f"{place}:{Path(__file__).parents[2]}"
