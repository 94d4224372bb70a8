"""Pictures that the encoder tests draw for themselves."""

import io

import numpy as np
from PIL import Image, ImageDraw

QUADRANTS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220), "yellow": (230, 220, 20)}


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Red top left, green top right, blue bottom left, yellow bottom right."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for place, colour in enumerate(QUADRANTS.values()):
        left, top = (place % 2) * width // 2, (place // 2) * height // 2
        draw.rectangle((left, top, left + width // 2, top + height // 2), fill=colour)
    return image


def scene(seed: int, width: int = 60, height: int = 80) -> Image.Image:
    """Ten coloured ellipses on white, the same for the same seed."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(10):
        x, y = int(random.integers(0, width - 10)), int(random.integers(0, height - 10))
        w, h = int(random.integers(5, width)), int(random.integers(5, height))
        draw.ellipse((x, y, x + w, y + h), fill=tuple(int(c) for c in random.integers(0, 256, 3)))
    return image


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of ``image`` as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
