"""What every encoder offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What a space records of an encoder.

    ``name`` loads the same encoder again, ``dimensions`` is the length of its vectors, and ``version`` changes whenever
    its output for the same input would (rounding aside). A text and an image encoder with the same ``joint`` put both
    into one space: a text's vector may be compared with an image's. None: it shares its space with no other.
    """

    name: str
    dimensions: int
    version: str
    joint: str | None = None


class Described:
    """Base of the encoders: gives the parts of ``spec`` by name."""

    def __init__(self, spec: EncoderSpec) -> None:
        self._spec = spec

    @property
    def spec(self) -> EncoderSpec:
        """Name, dimensions and version in one."""
        return self._spec

    @property
    def name(self) -> str:
        """The name that loads it again."""
        return self._spec.name

    @property
    def dimensions(self) -> int:
        """Length of its vectors."""
        return self._spec.dimensions

    @property
    def version(self) -> str:
        """Changes when its output would."""
        return self._spec.version


class Encoder(Protocol):
    """What text and image encoders have in common. Every method may be called from any number of threads at once."""

    @property
    def spec(self) -> EncoderSpec:
        """Name, dimensions and version in one."""
        ...

    @property
    def name(self) -> str:
        """The name that loads it again."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of its vectors."""
        ...

    @property
    def version(self) -> str:
        """Changes when its output would."""
        ...

    def warm_up(self) -> None:
        """Pay now what the first call would pay."""
        ...


class TextEncoder(Encoder, Protocol):
    """Turns texts into vectors."""

    def encode(self, texts: Sequence[str], *, normalized: bool = True) -> NDArray[np.float32]:
        """One row a text, in order: float32 of shape (len(texts), dimensions), each of length 1 within 1e-3.

        A text that is empty or all white space gives a zero row, which is what a missing modality is; so does one
        without any word that a fitted encoder knows. A row does not depend on the others of the batch, except by
        rounding (under 1e-5 of its length). ``normalized=False`` gives the rows before they are divided by their
        length, which is what a space with the linear kernel holds.
        """
        ...


class ImageEncoder(Encoder, Protocol):
    """Turns images into vectors.

    ``prepare`` (decoding, one image) is apart from ``encode`` (inference, a batch), so that a worker can decode the
    next batch in another thread while this one is encoded.
    """

    def prepare(self, data: bytes) -> NDArray[np.uint8]:
        """The bytes of an image file as this encoder's input: uint8 RGB of shape (side, side, 3).

        Raises:
            UnreadableImage: the bytes are not an image that we accept; the message says what is wrong.
        """
        ...

    def encode(self, prepared: Sequence[NDArray[np.uint8]], *, normalized: bool = True) -> NDArray[np.float32]:
        """One row an image, in order: float32 of shape (len(prepared), dimensions), each of length 1 within 1e-3.

        ``prepared`` holds what this encoder's ``prepare`` returned. A row does not depend on the others of the batch,
        except by rounding (under 1e-5 of its length). ``normalized=False``: see ``TextEncoder.encode``.
        """
        ...
