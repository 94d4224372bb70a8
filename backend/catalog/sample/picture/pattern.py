"""Patterns: two colours laid out over design coordinates.

Only additions, products, floors and comparisons: these give the same bits on every machine.
"""

import math
import random
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from backend.catalog.sample.picture import texture

Array = NDArray[np.float32]
F = np.float32


def _wave(x: Array, period: float) -> Array:
    """A triangle wave in px: the distance to the nearest multiple of ``period``."""
    r = x * F(1 / period)
    distance: Array = np.abs(r - np.floor(r + F(0.5))) * F(period)
    return distance


def _edge(distance: Array, at: float) -> Array:
    """1 where ``distance`` is under ``at``, 0 where it is over, one pixel of ramp between."""
    weight: Array = np.clip(F(at + 0.5) - distance, F(0), F(1))
    return weight


def _stripes(x: Array, period: float, width: float) -> Array:
    return _edge(_wave(x, period), width / 2)


def _breton(u: Array, v: Array) -> Array:  # noqa: ARG001 - every pattern takes both coordinates
    return _stripes(v, 17, 6.5)


def _wide(u: Array, v: Array) -> Array:  # noqa: ARG001 - as above
    return _stripes(v, 44, 22)


def _pinstripe(u: Array, v: Array) -> Array:  # noqa: ARG001 - as above
    return _stripes(u, 9, 1.6) * F(0.85)


def _awning(u: Array, v: Array) -> Array:  # noqa: ARG001 - as above
    return _stripes(u, 18, 8)


def _gingham(u: Array, v: Array) -> Array:
    return (_stripes(u, 14, 7) + _stripes(v, 14, 7)) * F(0.48)


def _plaid(u: Array, v: Array) -> Array:
    broad = (_stripes(u, 42, 16) + _stripes(v, 42, 16)) * F(0.3)
    fine = (_stripes(u + F(21), 42, 2.2) + _stripes(v + F(21), 42, 2.2)) * F(0.35)
    return np.minimum(broad + fine, F(0.95))


def _windowpane(u: Array, v: Array) -> Array:
    return np.maximum(_stripes(u, 30, 1.8), _stripes(v, 30, 1.8)) * F(0.8)


def _dots(u: Array, v: Array) -> Array:
    a = np.square(_wave(u, 16)) + np.square(_wave(v, 16))
    b = np.square(_wave(u + F(8), 16)) + np.square(_wave(v + F(8), 16))
    weight: Array = np.clip((F(13) - np.minimum(a, b)) * F(0.16), F(0), F(1))
    return weight


def _chevron(u: Array, v: Array) -> Array:
    return _stripes(v + _wave(u, 26), 20, 9)


def _diamonds(u: Array, v: Array) -> Array:
    d = _wave(u, 34) * F(1.25) + _wave(v, 42)
    weight: Array = np.clip(F(11) - d, F(0), F(1)) + np.clip(F(1.6) - np.abs(d - F(17.5)), F(0), F(1))
    return weight


def _herringbone(u: Array, v: Array) -> Array:
    weight: Array = np.clip((_wave(v + _wave(u, 18), 5) - F(0.75)) * F(1.2), F(0), F(1)) * F(0.55)
    return weight


def _marl(u: Array, v: Array) -> Array:
    return F(0.34) * _tile_weight("marl")[texture.index(u, v)]


def _speckle(u: Array, v: Array) -> Array:
    return _tile_weight("speckle")[texture.index(u, v)]


@lru_cache(maxsize=4)
def _tile_weight(name: str) -> Array:
    if name == "marl":
        field = np.clip(texture.noise("marl", 4, 0.7) * 0.4 + 0.5, 0, 1)
    else:
        field = np.clip((texture.noise("speckle", 1.5, 1.5) - 1.5) * 3, 0, 1)
    return (np.rint(field * 255) / 255).astype(np.float32).ravel()


_TWO_TONE: dict[str, Callable[[Array, Array], Array]] = {
    "breton": _breton, "wide stripe": _wide, "pinstripe": _pinstripe, "awning": _awning, "gingham": _gingham,
    "plaid": _plaid, "windowpane": _windowpane, "dots": _dots, "chevron": _chevron, "diamonds": _diamonds,
    "herringbone": _herringbone, "marl": _marl, "speckle": _speckle,
}  # fmt: skip


def _petals(draw: ImageDraw.ImageDraw, x: float, y: float, size: float, turn: float, value: int) -> None:
    for k in range(5):
        a = turn + k * math.tau / 5
        px, py, r = x + math.cos(a) * size * 0.62, y + math.sin(a) * size * 0.62, size * 0.5
        draw.ellipse((px - r, py - r, px + r, py + r), fill=value)


@lru_cache(maxsize=1)
def _flowers() -> tuple[Array, Array, Array]:
    """Weights of petals, hearts and leaves on a repeating tile, each (65536,)."""
    dice = random.Random("pattern/floral")  # noqa: S311 - not a secret
    scale, cell, size = 4, 32, texture.SIZE
    planes = [Image.new("L", (size * scale, size * scale)) for _ in range(3)]
    petal, heart, leaf = (ImageDraw.Draw(p) for p in planes)
    for i in range(0, size, cell):
        for j in range(0, size, cell):
            x = i + cell / 2 + (cell / 2 if (j // cell) % 2 else 0) + dice.uniform(-5, 5)
            y, turn, r = j + cell / 2 + dice.uniform(-5, 5), dice.uniform(0, 6), dice.uniform(5.5, 10)
            for ox in (-size, 0, size):
                for oy in (-size, 0, size):
                    cx, cy = (x + ox) * scale, (y + oy) * scale
                    for a in (turn + 0.5, turn + 3.4):
                        lx, ly = cx + math.cos(a) * r * 5.6, cy + math.sin(a) * r * 5.6
                        draw_leaf = [(cx, cy), (lx + math.sin(a) * r * 1.6, ly - math.cos(a) * r * 1.6),
                                     (lx + math.cos(a) * r, ly + math.sin(a) * r),
                                     (lx - math.sin(a) * r * 1.6, ly + math.cos(a) * r * 1.6)]  # fmt: skip
                        leaf.polygon(draw_leaf, fill=255)
                    _petals(petal, cx, cy, r * scale * 0.8, turn, 255)
                    heart.ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)
    flat = [np.asarray(p.reduce(scale), dtype=np.float32).ravel() / F(255) for p in planes]
    return flat[0], flat[1], flat[2]


def _floral(u: Array, v: Array, base: Array, accent: Array) -> Array:
    where = texture.index(u, v)
    petal, heart, leaf = (weights[where] for weights in _flowers())
    green = np.array([0.36, 0.47, 0.33], dtype=np.float32)[:, None, None] * F(0.7) + base * F(0.3)
    gold = np.array([0.90, 0.70, 0.28], dtype=np.float32)[:, None, None]
    cloth = base + (green - base) * leaf
    cloth += (accent - cloth) * petal
    cloth += (gold - cloth) * heart
    return cloth


def paint(name: str, u: Array, v: Array, base: Array, accent: Array) -> Array:
    """Planar colours (3, h, w) of a pattern; ``base`` and ``accent`` are (3, 1, 1). Raises KeyError if unknown."""
    if name == "floral":
        return _floral(u, v, base, accent)
    return base + (accent - base) * _TWO_TONE[name](u, v)
