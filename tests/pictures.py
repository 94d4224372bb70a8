"""Small pictures for tests."""

import io

from PIL import Image


def jpeg(seed: int, side: int = 16) -> bytes:
    """A JPEG of one colour, another for each of 2**24 seeds' colours."""
    picture = Image.new("RGB", (side, side), (seed >> 16 & 255, seed >> 8 & 255, seed & 255))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90)
    return stream.getvalue()
