"""A visitor's photograph, which is not kept: what it looks like travels in the page's forms instead."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.errors import InvalidInput


@dataclass(frozen=True)
class Looks:
    """The unit vector of a photograph in an embedding space."""

    vector: list[float]
    space: str

    @property
    def packed(self) -> str:
        """The vector in halves, as text."""
        return base64.urlsafe_b64encode(np.array(self.vector, dtype="<f2").tobytes()).decode()


def unpack(packed: str, space: str) -> Looks:
    """What ``packed`` was made of; the database refuses a length that its space does not have.

    Raises:
        InvalidInput: it is none of ours.
    """
    try:
        vector: Any = np.frombuffer(base64.b64decode(packed, altchars=b"-_", validate=True), dtype="<f2")
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("the photograph is not known any more: choose it again", field="looks") from error
    if not len(vector) or not np.isfinite(vector).all() or "\0" in space:
        raise InvalidInput("the photograph is not known any more: choose it again", field="looks")
    return Looks([float(x) for x in vector], space)
