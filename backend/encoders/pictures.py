"""The input of image encoders that have a preprocessing of their own: squeezed to a square, or cropped to one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.encoders.images import decode_image

# Twice the side is decoded at least: the resize then averages real pixels, near to the references' full decode.
DECODED_PER_SIDE = 2
# Of a strip that is longer by more than so many times its width only the middle can be seen: scaled as a whole, one of
# 1 x 60,000 pixels would take 12 GB.
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Frame:
    """How a picture becomes a square of ``side`` pixels.

    ``shortest`` None: the whole picture is squeezed into it. Otherwise the picture is scaled until its shorter side has
    ``shortest`` pixels, and the square is cut out of its middle. ``resample`` is Pillow's filter.
    """

    side: int
    shortest: int | None = None
    resample: Image.Resampling = Image.Resampling.BILINEAR

    def prepare(self, data: bytes) -> NDArray[np.uint8]:
        """The image file ``data`` as uint8 RGB of shape (side, side, 3).

        Raises:
            UnreadableImage: see ``backend.encoders.images.decode_image``.
        """
        image = decode_image(data, at_least=(self.shortest or self.side) * DECODED_PER_SIDE)
        if self.shortest is None:
            return np.asarray(image.resize((self.side, self.side), self.resample))
        image = _middle(image)
        scaled = image.resize(self._scaled(*image.size), self.resample)
        left, top = round((scaled.width - self.side) / 2), round((scaled.height - self.side) / 2)
        return np.asarray(scaled.crop((left, top, left + self.side, top + self.side)))

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        # The longer side is cut down to whole pixels, as torchvision and transformers do it.
        assert self.shortest is not None
        if width <= height:
            return self.shortest, self.shortest * height // width
        return self.shortest * width // height, self.shortest


def _middle(image: Image.Image) -> Image.Image:
    most = LONGEST * min(image.size)
    left, top = (max(0, side - most) // 2 for side in image.size)
    return image.crop((left, top, image.width - left, image.height - top)) if left or top else image
