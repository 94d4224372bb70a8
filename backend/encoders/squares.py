"""The input of the image encoders: the whole picture as a square."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.encoders.images import decode_image

# A picture that is more than so many times too large is first reduced by whole pixels, which is faster than the filter
# and hardly seen after it (Pillow's documentation of reducing_gap).
_GAP = 2.0


def prepare_square(data: bytes, side: int) -> NDArray[np.uint8]:
    """The image file ``data`` as uint8 RGB of shape (side, side, 3), squeezed, by a bicubic filter.

    The whole picture, not its centre: product photographs are cropped to the product already.

    Raises:
        UnreadableImage: see ``backend.encoders.images.decode_image``.
    """
    image = decode_image(data, at_least=side)
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=_GAP))
