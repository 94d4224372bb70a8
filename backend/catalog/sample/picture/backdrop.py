"""Studio backdrops: soft paper, lit from the top left."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backend.catalog.sample.picture.geometry import HEIGHT, WIDTH

BACKDROPS: dict[str, tuple[float, float, float]] = {
    "chalk": (0.955, 0.952, 0.945),
    "mist": (0.915, 0.930, 0.940),
    "sand": (0.940, 0.918, 0.885),
    "blush": (0.948, 0.912, 0.900),
    "sage": (0.905, 0.925, 0.900),
    "lilac": (0.925, 0.915, 0.945),
    "stone": (0.895, 0.890, 0.880),
}


@lru_cache(maxsize=32)
def backdrop(name: str, *, floor: bool) -> NDArray[np.float32]:
    """Planar RGB, (3, 400, 320), 0-1, never to be written to. ``floor`` bends the paper into a table below."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    light = 1.02 - 0.10 * (((x - 120) / 260) ** 2 + ((y - 130) / 340) ** 2)
    if floor:
        step = np.clip((y - 268) / 70, 0, 1)
        light -= 0.035 * (1 - np.abs(2 * step - 1)) - 0.02 * step
    tint = np.array(BACKDROPS[name])[:, None, None]
    plane: NDArray[np.float32] = (np.rint(np.clip(tint * light, 0, 1) * 4096) / 4096).astype(np.float32)
    plane.flags.writeable = False
    return plane
