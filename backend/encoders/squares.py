"""The input of the image encoders: the whole picture as a square."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.encoders.images import decode_image

# Twice the side is decoded at least, so that the final resize still averages real pixels (as Pillow's reducing_gap=2).
DECODED_PER_SIDE = 2


def prepare_square(data: bytes, side: int) -> NDArray[np.uint8]:
    """The image file ``data`` as uint8 RGB of shape (side, side, 3), squeezed, by a bicubic filter.

    The whole picture, not its centre: product photographs are cropped to the product already.

    Raises:
        UnreadableImage: see ``backend.encoders.images.decode_image``.
    """
    image = decode_image(data, at_least=side * DECODED_PER_SIDE)
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC))
