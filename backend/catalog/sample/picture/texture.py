"""Grain of materials: 256x256 px tiles that repeat without a seam, made once a process.

A tile is uint8 with 128 as "no change". It is worked out in float64 and rounded, so that the last bits of a
machine's sine do not reach the picture.
"""

import random
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SIZE = 256
Field = NDArray[np.float64]
Array = NDArray[np.float32]


def noise(key: str, sx: float, sy: float) -> Field:
    """Repeating Gaussian-blurred noise, (256, 256), mean 0 and standard deviation 1; ``sx``, ``sy`` in px."""
    raw = np.frombuffer(random.Random(f"texture/{key}").randbytes(SIZE * SIZE), dtype=np.uint8)  # noqa: S311 - not a secret
    f = np.fft.fft2(raw.reshape(SIZE, SIZE).astype(np.float64))
    k = np.fft.fftfreq(SIZE) * 2 * np.pi
    f *= np.exp(-0.5 * ((k * sy) ** 2)[:, None]) * np.exp(-0.5 * ((k * sx) ** 2)[None, :])
    f[0, 0] = 0
    field: Field = np.fft.ifft2(f).real
    field /= field.std()
    return field


def _grid() -> tuple[Field, Field]:
    line = np.arange(SIZE, dtype=np.float64)
    x, y = np.meshgrid(line, line)
    return x, y


def _cotton() -> Field:
    return 0.02 * noise("cotton", 0.7, 0.7) + 0.015 * noise("cotton-slow", 8, 8)


def _linen() -> Field:
    return 0.035 * noise("warp", 0.6, 9) + 0.04 * noise("weft", 9, 0.6) + 0.015 * noise("slub", 1, 1)


def _denim() -> Field:
    x, y = _grid()
    twill = np.sin((x + y) * 2 * np.pi / 4)
    return 0.03 * twill + 0.028 * noise("denim", 0.7, 1.4) + 0.014 * noise("denim-slow", 12, 14)


def _wave(period_x: float, period_y: float) -> tuple[Field, Field, Field]:
    x, y = _grid()
    fx = (x / period_x) % 1
    bend: Field = np.abs(fx - 0.5) * 2
    fy = (y / period_y + 0.55 * bend) % 1
    return fx, fy, bend


def _knit() -> Field:
    _, fy, bend = _wave(8, 8)
    stitch = np.sin(np.pi * fy) ** 0.7
    loops: Field = 0.22 * (stitch - 0.6) - 0.10 * (bend > 0.86) - 0.06 * (bend < 0.12)
    return loops + 0.015 * noise("knit", 1, 1)


def _fine_knit() -> Field:
    _, fy, bend = _wave(4, 4)
    return 0.09 * (np.sin(np.pi * fy) - 0.6) - 0.03 * (bend > 0.6) + 0.015 * noise("fine-knit", 1, 1)


def _rib() -> Field:
    x, _ = _grid()
    ridges: Field = 0.13 * np.sin(x * 2 * np.pi / 6.4)
    return ridges + 0.015 * noise("rib", 0.6, 2)


def _corduroy() -> Field:
    x, _ = _grid()
    return 0.12 * np.abs(np.sin(x * np.pi / 6.4)) - 0.08 + 0.03 * noise("cord", 0.8, 3)


def _wool() -> Field:
    return 0.045 * noise("wool", 1.2, 1.2) + 0.012 * noise("wool-slow", 4, 4)


def _boucle() -> Field:
    n = noise("boucle", 2.0, 2.0)
    return 0.075 * np.clip(n, -1.6, 1.6) + 0.03 * noise("boucle-fine", 0.8, 0.8)


def _leather() -> Field:
    n = noise("leather", 1.5, 1.5)
    creases = -np.exp(-((n / 0.25) ** 2))
    return 0.05 * (creases + 0.35) + 0.012 * noise("leather-slow", 14, 14)


def _suede() -> Field:
    return 0.03 * noise("suede", 1, 1) + 0.013 * noise("suede-slow", 9, 7)


def _canvas() -> Field:
    x, y = _grid()
    weave = np.sin(x * 2 * np.pi / 4) * np.sin(y * 2 * np.pi / 4)
    return 0.04 * weave + 0.03 * noise("canvas", 0.8, 0.8) + 0.012 * noise("canvas-weft", 8, 0.7)


def _wood() -> Field:
    rings = np.sin(noise("wood-rings", 60, 4.5) * 5.0)
    return 0.06 * rings + 0.05 * noise("wood-fibre", 24, 0.6) + 0.03 * noise("wood-slow", 60, 12)


def _stoneware() -> Field:
    n = noise("stoneware", 0.9, 0.9)
    return 0.014 * n - 0.16 * (n > 2.5) + 0.015 * noise("stoneware-slow", 10, 10)


def _brushed() -> Field:
    return 0.03 * noise("brushed", 18, 0.6)


def _concrete() -> Field:
    n = noise("concrete", 1.3, 1.3)
    return 0.02 * noise("concrete-fine", 0.6, 0.6) + 0.03 * noise("concrete-slow", 12, 12) - 0.16 * (n > 2.45)


def _rattan() -> Field:
    x, y = _grid()
    over = ((x // 8 + y // 8) % 2) == 0
    bump = np.where(over, np.sin(np.pi * ((y % 8) / 8)), np.sin(np.pi * ((x % 8) / 8)))
    return 0.24 * (bump - 0.65)


_MAKERS: dict[str, Callable[[], Field]] = {
    "cotton": _cotton, "linen": _linen, "denim": _denim, "knit": _knit, "fine-knit": _fine_knit, "rib": _rib,
    "corduroy": _corduroy, "wool": _wool, "boucle": _boucle, "leather": _leather, "suede": _suede, "canvas": _canvas,
    "wood": _wood, "stoneware": _stoneware, "brushed": _brushed, "concrete": _concrete, "rattan": _rattan,
}  # fmt: skip


@lru_cache(maxsize=32)
def tile(name: str) -> NDArray[np.uint8]:
    """The tile of a material, (256, 256). Raises KeyError for an unknown name."""
    return np.rint(np.clip(_MAKERS[name]() * 128 + 128, 0, 255)).astype(np.uint8)


def index(u: Array, v: Array) -> NDArray[np.int32]:
    """Flat positions in a tile for design coordinates in px."""
    return (v.astype(np.int32) & (SIZE - 1)) * SIZE + (u.astype(np.int32) & (SIZE - 1))


@lru_cache(maxsize=64)
def _factors(name: str, depth: float) -> Array:
    return ((tile(name).ravel().astype(np.float32) - 128) / 128 * np.float32(depth) + 1).astype(np.float32)


def sample(name: str, u: Array, v: Array, depth: float) -> Array:
    """The grain as a factor around 1 at design coordinates, (h, w)."""
    return _factors(name, depth)[index(u, v)]
