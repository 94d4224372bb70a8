"""A surface: colours, the pattern printed or woven in, the grain of its material and how it shines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.catalog.sample.picture import pattern as patterns
from backend.catalog.sample.picture import texture

Array = NDArray[np.float32]
Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Surface:
    """``colour`` and ``accent`` are sRGB, 0-1; ``scale`` stretches the pattern; ``gloss`` 0-1 is for highlights."""

    colour: Rgb
    accent: Rgb = (1.0, 1.0, 1.0)
    pattern: str = "solid"
    grain: str | None = None
    scale: float = 1.0
    gloss: float = 0.0
    depth: float = 1.0

    def albedo(self, u: Array, v: Array) -> Array:
        """Planar colours, (3, h, w) or (3, 1, 1), at the design coordinates ``u``, ``v`` (px)."""
        base = np.array(self.colour, dtype=np.float32)[:, None, None]
        if self.pattern == "solid":
            return base
        accent = np.array(self.accent, dtype=np.float32)[:, None, None]
        return patterns.paint(self.pattern, u / np.float32(self.scale), v / np.float32(self.scale), base, accent)

    def relief(self, u: Array, v: Array) -> Array | None:
        """The grain as a factor around 1, (h, w), or None for a smooth material."""
        if self.grain is None:
            return None
        return texture.sample(self.grain, u, v, self.depth)
