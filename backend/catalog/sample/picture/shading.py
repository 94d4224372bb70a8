"""Light from the top left, on a height field that is guessed from a silhouette.

Worked out on a coarse grid in float64, rounded to 1/512 and then enlarged: fast, smooth, and free of the last bits in
which machines differ.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from backend.catalog.sample.picture.part import Fold, Part, Turned

Field = NDArray[np.float64]
Array = NDArray[np.float32]
LIGHT_X, LIGHT_Y = 0.62, 0.78


@lru_cache(maxsize=512)
def _gauss(n: int, tenths: int) -> Field:
    """An (n, n) matrix that blurs a column by a Gaussian of ``tenths`` / 10 cells; outside counts as zero."""
    d = np.arange(n)[:, None] - np.arange(n)[None, :]
    sigma = tenths / 10
    reach = np.arange(-200, 201)
    kernel: Field = np.exp(-0.5 * (d / sigma) ** 2) / np.exp(-0.5 * (reach / sigma) ** 2).sum()
    return kernel


def blur(field: Field, sigma: float) -> Field:
    """A Gaussian blur by ``sigma`` cells, zero outside."""
    tenths = max(3, round(sigma * 10))
    out: Field = _gauss(field.shape[0], tenths) @ field @ _gauss(field.shape[1], tenths)
    return out


def slope(field: Field) -> Field:
    """How far the height field faces the light, per cell."""
    lit = np.zeros_like(field)
    lit[:, 1:-1] += LIGHT_X / 2 * (field[:, 2:] - field[:, :-2])
    lit[1:-1] += LIGHT_Y / 2 * (field[2:] - field[:-2])
    return lit


def enlarge(field: Field, width: int, height: int) -> Array:
    """The field, rounded and enlarged smoothly to (height, width) float32."""
    small = Image.fromarray((np.rint(field * 512) / 512).astype(np.float32))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def _crumple(
    folds: tuple[Fold, ...], shape: tuple[int, int], cell: int, lines: list[list[tuple[float, float]]]
) -> Field:
    """The folds' heights on the coarse grid; ``lines`` are theirs in px of the part's box."""
    rows, columns = shape
    image = Image.new("L", (columns * cell, rows * cell), 128)
    draw = ImageDraw.Draw(image)
    for fold, line in zip(folds, lines, strict=True):
        draw.line(line, fill=round(128 + 127 * fold.height), width=round(fold.width), joint="curve")
    return (np.asarray(image.reduce(cell), dtype=np.float64) - 128) / 127


def stuffed(part: Part, coarse: Field, cell: int, lines: list[list[tuple[float, float]]]) -> Field:
    """The light on a soft piece, a factor around 1, on the coarse grid of ``cell`` px."""
    body = blur(coarse, part.round_px / cell)
    height = body * part.round_px
    light = 1 + 0.55 * part.puff * slope(height) / cell
    if part.folds:
        creases = blur(_crumple(part.folds, (coarse.shape[0], coarse.shape[1]), cell, lines), 4.5 / cell)
        light += slope(creases) * 8.5 / cell + 0.14 * creases
    light -= part.rim * np.clip(0.92 - body, 0, 1) * 0.8
    return np.clip(light, 0.25, 1.6)


def turned(body: Turned, gloss: float, xs: Field, ys: Field, *, mirror: bool) -> Field:
    """The light on a turned body at design coordinates ``xs`` (w,) and ``ys`` (h,)."""
    half = np.interp(ys, [y for y, _ in body.profile], [w for _, w in body.profile])
    t = np.clip((xs[None, :] - body.x) / np.maximum(half, 1)[:, None], -1, 1)
    if mirror:
        t = -t
    facing = np.sqrt(1 - 0.97 * t * t)
    light = 0.50 + 0.46 * facing - 0.26 * t
    light += 0.10 * np.exp(-(((t - 0.93) / 0.09) ** 2))
    light += gloss * (0.75 * np.exp(-(((t + 0.56) / 0.075) ** 2)) + 0.22 * np.exp(-(((t - 0.62) / 0.06) ** 2)))
    return np.asarray(light + 0.05 * (0.5 - (ys - ys[0]) / max(ys[-1] - ys[0], 1))[:, None])
