"""The one constant that the rows of a block are divided by under a linear kernel, where blocks keep their lengths."""

import struct

import numpy as np

from backend.spaces.fusion import Vectors
from backend.spaces.models import Modality, SpaceModel

METHOD = "scale"


def fit_scale(modality: Modality, rows: Vectors) -> SpaceModel:
    """The root mean square length of ``rows`` (n, d) float32, as a model: divided by it, lengths are 1 in the mean.

    Halves, which hold what is stored, are exact to 11 bits up to 65,504 and then overflow: rows of length 1 have room.
    """
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    scale = float(np.sqrt(np.mean(lengths[lengths > 0] ** 2))) if (lengths > 0).any() else 1.0
    dimensions = rows.shape[1]
    return SpaceModel(
        modality, "projection", METHOD, struct.pack("<d", scale), dimensions, dimensions, {"scale": scale}
    )


def read_scale(content: bytes) -> float:
    """The constant that ``fit_scale`` stored."""
    (scale,) = struct.unpack("<d", content)
    return float(scale)
