"""The one constant that the rows of a block are divided by under a linear kernel, where blocks keep their lengths."""

import struct

import numpy as np

from backend.spaces.fusion import Vectors
from backend.spaces.models import Modality, SpaceModel

METHOD = "scale"


def mean_length(rows: Vectors) -> float:
    """The root mean square length of ``rows`` (n, d) float32, zero rows apart; 1 where all are.

    Halves, which hold what is stored, are exact to 11 bits up to 65,504 and then overflow: rows that are divided by it
    have room.
    """
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    present = lengths[lengths > 0]
    return float(np.sqrt(np.mean(present**2))) if len(present) else 1.0


def fit_scale(modality: Modality, rows: Vectors) -> SpaceModel:
    """The ``mean_length`` of ``rows`` (n, d) float32, as a model."""
    scale, dimensions = mean_length(rows), rows.shape[1]
    return SpaceModel(
        modality, "projection", METHOD, struct.pack("<d", scale), dimensions, dimensions, {"scale": scale}
    )


def read_scale(content: bytes) -> float:
    """The constant that ``fit_scale`` stored."""
    (scale,) = struct.unpack("<d", content)
    return float(scale)
