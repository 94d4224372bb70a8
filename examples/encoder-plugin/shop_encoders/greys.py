"""``greys:SIDE``: a picture as SIDE x SIDE grey values.

The plug-in is the class: Shelfmate asks it for ``form``, ``describe`` and ``load``.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.encoders import Described, EncoderName, EncoderSpec, Form
from backend.encoders.names import whole_number
from backend.encoders.squares import prepare_square

# ITU-R BT.601: how bright red, green and blue are.
BRIGHTNESS = np.array([0.299, 0.587, 0.114], dtype=np.float32)


class Greys(Described):
    """An encoder and its plug-in in one."""

    form = Form("greys", "SIDE", argument_needed=True)

    def __init__(self, side: int, spec: EncoderSpec) -> None:
        super().__init__(spec)
        self._side = side

    @staticmethod
    def describe(name: EncoderName) -> EncoderSpec:
        """What ``load(name).spec`` is."""
        return EncoderSpec(str(name), _side(name) ** 2, version="1")

    @classmethod
    def load(cls, name: EncoderName) -> "Greys":
        """The encoder, ready for use."""
        return cls(_side(name), cls.describe(name))

    def prepare(self, data: bytes) -> NDArray[np.uint8]:
        """See ``backend.encoders.ImageEncoder``; Shelfmate's own decoder refuses what is no image."""
        return prepare_square(data, self._side)

    def encode(self, prepared: Sequence[NDArray[np.uint8]], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``backend.encoders.ImageEncoder``: float32 rows of length 1, one a picture."""
        rows = np.zeros((len(prepared), self.dimensions), dtype=np.float32)
        for row, pixels in zip(rows, prepared, strict=True):
            # One more than black, so that no picture is without a vector.
            row[:] = (pixels @ BRIGHTNESS).ravel() + 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True) if normalized else rows

    def warm_up(self) -> None:
        """Nothing to do."""


def _side(name: EncoderName) -> int:
    return whole_number(name, name.argument or "", 1, 60, "side")
