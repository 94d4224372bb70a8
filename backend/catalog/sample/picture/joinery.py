"""What furniture is built from: timber, brass, legs."""

import math

from backend.catalog.sample.palette import COLOURS
from backend.catalog.sample.picture.geometry import MIDDLE, polygon
from backend.catalog.sample.picture.part import Part
from backend.catalog.sample.picture.surface import Surface

BRASS = Surface((0.80, 0.64, 0.33), gloss=0.9)


def timber(name: str) -> Surface:
    return Surface(COLOURS[name].rgb, grain="wood", gloss=0.15)


def legs(
    surface: Surface, xs: tuple[float, ...], y0: float, y1: float, width: float, splay: float, *, shade: float = 1.0
) -> Part:
    """Tapered legs that splay outwards."""
    fills = tuple(
        polygon([(x - width, y0), (x + width, y0), (x + width * 0.5 + s, y1), (x - width * 0.5 + s, y1)])
        for x in xs
        for s in [splay * (1 if x > MIDDLE else -1)]
    )
    return Part(surface, fills, puff=1.0, round_px=3, shade=shade, slant=math.pi / 2)
