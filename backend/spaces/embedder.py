"""The encoders of spaces, loaded once in a process and shared by its threads."""

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from backend.encoders.protocols import ImageEncoder, TextEncoder
from backend.encoders.registry import load_image_encoder, load_text_encoder
from backend.errors import ConfigurationError
from backend.spaces.fusion import Vectors
from backend.spaces.space import Space


class Embedder:
    """Turns a space's inputs into its unit blocks; an encoder is loaded when it is first needed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._text: dict[str, TextEncoder] = {}
        self._image: dict[str, ImageEncoder] = {}

    def texts(self, space: Space, texts: Sequence[str]) -> Vectors:
        """(n, text_dimensions) float32 unit rows; a blank text gives a zero row.

        Raises:
            ConfigurationError: the space has no text, or its encoder has changed since it was made.
            WeightsMissing: the encoder's weights are not on this machine.
        """
        return self._text_encoder(space).encode(texts)

    def prepare_image(self, space: Space, content: bytes) -> NDArray[np.uint8]:
        """What the space's image encoder encodes, decoded from a file's bytes.

        Raises:
            UnreadableImage: the bytes are not an image that Shelfmate accepts.
        """
        return self._image_encoder(space).prepare(content)

    def images(self, space: Space, prepared: Sequence[NDArray[np.uint8]]) -> Vectors:
        """(n, image_dimensions) float32 unit rows from what ``prepare_image`` returned."""
        return self._image_encoder(space).encode(prepared)

    def warm_up(self, space: Space) -> None:
        """Load the space's encoders now, so that the first product does not wait for them."""
        if space.text_encoder:
            self._text_encoder(space).warm_up()
        if space.image_encoder:
            self._image_encoder(space).warm_up()

    def _text_encoder(self, space: Space) -> TextEncoder:
        name = _required(space, space.text_encoder, "text")
        with self._lock:
            if name not in self._text:
                self._text[name] = load_text_encoder(name)
            encoder = self._text[name]
        _check_version(space, name, space.text_version, encoder.version)
        return encoder

    def _image_encoder(self, space: Space) -> ImageEncoder:
        name = _required(space, space.image_encoder, "image")
        with self._lock:
            if name not in self._image:
                self._image[name] = load_image_encoder(name)
            encoder = self._image[name]
        _check_version(space, name, space.image_version, encoder.version)
        return encoder


def _required(space: Space, encoder: str | None, modality: str) -> str:
    if encoder is None:
        raise ConfigurationError(f"the embedding space {space.name} has no {modality}")
    return encoder


def _check_version(space: Space, encoder: str, recorded: str | None, loaded: str) -> None:
    if recorded != loaded:
        raise ConfigurationError(
            f"the embedding space {space.name} was made with {encoder} {recorded}, but this machine has {loaded}: "
            "their vectors must not be mixed. Install the recorded version, or create a new space."
        )
