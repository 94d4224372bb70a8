"""Outlines: closed or open polylines in design coordinates.

The design plane is the picture's own pixel grid, 320 wide and 400 high, y downwards; outlines are float64 arrays of
shape (n, 2). A point given twice in a row makes a corner.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Pair = tuple[float, float]

WIDTH, HEIGHT = 320, 400
MIDDLE = WIDTH / 2


@lru_cache(maxsize=8)
def _basis(steps: int) -> Points:
    """Catmull-Rom weights (tension 1/2) of the four control points at ``steps`` parameters: shape (steps, 4)."""
    t = np.arange(steps) / steps
    return (
        np.stack(
            [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3],
            axis=1,
        )
        / 2
    )


def curve(points: Sequence[Pair], *, closed: bool = True, steps: int = 8) -> Points:
    """A Catmull-Rom spline through ``points``."""
    p = np.asarray(points, dtype=np.float64)
    p = np.concatenate([p[-1:], p, p[:2]] if closed else [p[:1], p, p[-1:]])
    windows = np.stack([p[i : len(p) - 3 + i] for i in range(4)], axis=1)
    # Between the two points of a corner the spline would make a small loop.
    windows = windows[np.any(windows[:, 1] != windows[:, 2], axis=1)]
    line: Points = np.einsum("sk,nkd->nsd", _basis(steps), windows).reshape(-1, 2)
    return line if closed else np.concatenate([line, p[-1:]])


def polygon(points: Sequence[Pair]) -> Points:
    """Straight edges between ``points``."""
    return np.asarray(points, dtype=np.float64)


def mirrored(half: Sequence[Pair]) -> list[Pair]:
    """Control points of a shape symmetric about the middle, from those of its right half, top to bottom.

    An end that lies on the middle is one point, not two, lest it become a corner.
    """
    left = [(WIDTH - x, y) for x, y in reversed(half)]
    if half[-1][0] == MIDDLE:
        left = left[1:]
    if half[0][0] == MIDDLE:
        left = left[:-1]
    return [*half, *left]


def flipped(points: Points) -> Points:
    """The outline's mirror image about the middle."""
    mirror: Points = points * np.array([-1.0, 1.0]) + np.array([float(WIDTH), 0.0])
    return mirror


def ellipse(x: float, y: float, rx: float, ry: float, *, turn: float = 0.0) -> Points:
    """An ellipse about (x, y), turned by ``turn`` radians."""
    t = np.arange(40) * (math.tau / 40)
    px, py = rx * np.cos(t), ry * np.sin(t)
    c, s = math.cos(turn), math.sin(turn)
    return np.stack([x + c * px - s * py, y + s * px + c * py], axis=1)


def arc(x: float, y: float, rx: float, ry: float, start: float, stop: float) -> Points:
    """Part of an ellipse, as an open line; angles in radians, clockwise from the right."""
    t = np.linspace(start, stop, 24)
    return np.stack([x + rx * np.cos(t), y + ry * np.sin(t)], axis=1)


def rounded(x0: float, y0: float, x1: float, y1: float, radius: float) -> Points:
    """A rectangle with round corners."""
    r = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
    quarter = math.pi / 2
    corners = ((x1 - r, y1 - r, 0), (x0 + r, y1 - r, 1), (x0 + r, y0 + r, 2), (x1 - r, y0 + r, 3))
    return np.concatenate([arc(x, y, r, r, k * quarter, (k + 1) * quarter)[::4] for x, y, k in corners])


def between(upper: Points, lower: Points) -> Points:
    """The band enclosed by two open lines that run the same way."""
    return np.concatenate([upper, lower[::-1]])


def lathe(profile: Sequence[Pair], *, x: float = MIDDLE, bulge: float = 0.12) -> Points:
    """The silhouette of a turned body: ``profile`` gives (y, half width), top to bottom.

    The lower edge sags by ``bulge`` of its half width, the upper edge rises as much: a camera slightly above.
    """
    side = curve([(half, y) for y, half in profile], closed=False, steps=6)
    low, high = side[-1], side[0]
    bottom = arc(0, low[1], low[0], low[0] * bulge, 0, math.pi)
    top = arc(0, high[1], high[0], high[0] * bulge, math.pi, 2 * math.pi)
    left = side[::-1] * np.array([-1.0, 1.0])
    outline: Points = np.concatenate([side, bottom, left, top]) + np.array([x, 0.0])
    return outline


def stuffed(x0: float, y0: float, x1: float, y1: float, dent: float) -> Points:
    """A stuffed rectangle: its sides curve in by ``dent`` px, its corners stick out."""
    mx, my = (x0 + x1) / 2, (y0 + y1) / 2
    return curve(
        [
            (x0, y0),
            (x0, y0),
            (mx, y0 + dent),
            (x1, y0),
            (x1, y0),
            (x1 - dent, my),
            (x1, y1),
            (x1, y1),
            (mx, y1 - dent),
            (x0, y1),
            (x0, y1),
            (x0 + dent, my),
        ]
    )


def closed_line(outline: Points) -> Points:
    """The outline as a line that comes back to its start."""
    return polygon([*map(tuple, outline.tolist()), tuple(outline[0].tolist())])
