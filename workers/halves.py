"""Vectors as the database keeps them."""

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector


def half(vector: NDArray[np.float32] | None) -> HalfVector | None:
    """A float32 vector as 16-bit floats; None stays None."""
    return None if vector is None else HalfVector(vector)
