"""A fitted linear projection, and its form in the database."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from backend.encoders.unit import unit_rows
from backend.errors import ConfigurationError
from backend.spaces.fusion import Vectors
from backend.spaces.scaling import mean_length


@dataclass(frozen=True, eq=False)
class Projection:
    """``(rows - offset) @ matrix``, and what follows of the space's kernel.

    ``matrix`` is (in, out) and ``offset`` (in,), both float32; ``method`` is the name of how they were fitted.
    ``scale`` is what rows are divided by where the kernel is linear (``scaled``).
    """

    method: str
    matrix: Vectors
    offset: Vectors
    scale: float = 1.0

    @property
    def input_dimensions(self) -> int:
        """Length of the rows that it takes."""
        return int(self.matrix.shape[0])

    @property
    def output_dimensions(self) -> int:
        """Length of the rows that it gives."""
        return int(self.matrix.shape[1])

    def apply(self, rows: Vectors) -> Vectors:
        """(n, in) float32 to (n, out) float32 unit rows; a zero row, which is a missing modality, stays zero."""
        return unit_rows(self._projected(rows))

    def apply_linear(self, rows: Vectors) -> Vectors:
        """(n, in) float32 to (n, out) float32 rows of their own lengths, divided by ``scale``; zero rows stay zero."""
        return np.asarray(self._projected(rows) / np.float32(self.scale), dtype=np.float32)

    def scaled(self, rows: Vectors) -> "Projection":
        """Itself with the scale that makes the ``mean_length`` of these projected rows 1."""
        return replace(self, scale=mean_length(self._projected(rows)))

    def _projected(self, rows: Vectors) -> Vectors:
        projected = np.asarray((rows - self.offset) @ self.matrix, dtype=np.float32)
        projected[~rows.any(axis=1)] = 0
        return projected

    def to_bytes(self) -> bytes:
        """Itself in safetensors' form; equal projections give equal bytes."""
        arrays: dict[str, NDArray[Any]] = {
            "matrix": np.ascontiguousarray(self.matrix, dtype=np.float32),
            "offset": np.ascontiguousarray(self.offset, dtype=np.float32),
            "scale": np.array([self.scale], dtype=np.float64),
        }
        # One entry: several are written in a random order.
        return bytes(safetensors.numpy.save(arrays, metadata={"method": self.method}))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Projection":
        """What ``to_bytes`` gave.

        Raises:
            ConfigurationError: the bytes are damaged, or are something else.
        """
        try:
            arrays = safetensors.numpy.load(content)
            matrix, offset, scale = (arrays[name] for name in ("matrix", "offset", "scale"))
        except (SafetensorError, KeyError, ValueError) as error:
            raise _damaged(str(error) or type(error).__name__) from error
        if not matrix.dtype == offset.dtype == np.float32 or scale.dtype != np.float64:
            raise _damaged("its numbers are of another type")
        if matrix.ndim != 2 or not matrix.size or offset.shape != matrix.shape[:1] or scale.shape != (1,):
            raise _damaged("its arrays do not fit each other")
        if not all(np.isfinite(array).all() for array in (matrix, offset, scale)) or scale[0] <= 0:
            raise _damaged("not all of its numbers are finite")
        return cls(_method(content), matrix, offset, float(scale[0]))


def _method(content: bytes) -> str:
    """The method in the header, which ``safetensors.numpy.load`` has checked but leaves out.

    The form (github.com/huggingface/safetensors): 8 bytes of the header's length, little endian, then JSON.
    """
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    method = header.get("__metadata__", {}).get("method")
    if not isinstance(method, str):
        raise _damaged("its method is missing")
    return method


def _damaged(why: str) -> ConfigurationError:
    return ConfigurationError(f"a stored projection is damaged ({why}): drop its space and make it anew")
