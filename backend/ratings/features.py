"""Examples as rows of numbers, by the configured encoders: [text block | image block | whether there is an image]."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backend.encoders import (
    ImageEncoder,
    TextEncoder,
    describe_image_encoder,
    describe_text_encoder,
    load_image_encoder,
    load_text_encoder,
)
from backend.encoders.engines import Runtime
from backend.errors import Conflict
from backend.ratings.corpus import Example
from backend.ratings.models import MODALITIES, Modality
from backend.ratings.written import joined

# Photographs decoded at once: 64 of 224 x 224 pixels are 10 MB.
IMAGES = 64
TEXTS = 1_024


class Features:
    """The encoders of a predictor; a missing text or photograph is a block of zeros.

    ``keeps``: whether what they said of a text or photograph is kept, since folds ask again. A server would grow by it.
    """

    def __init__(
        self,
        text_encoder: str = "minilm",
        image_encoder: str = "efficientnet-lite0",
        modalities: Iterable[Modality] = MODALITIES,
        runtime: Runtime | None = None,
        *,
        keeps: bool = True,
    ) -> None:
        self.text_encoder, self.image_encoder = text_encoder, image_encoder
        self.modalities = frozenset(modalities)
        self._runtime = runtime
        self._keeps = keeps
        self._texts: dict[bytes, NDArray[np.float32]] = {}
        self._images: dict[bytes, NDArray[np.float32]] = {}

    @cached_property
    def text_width(self) -> int:
        """Length of the text block; 0 where texts are not read."""
        return describe_text_encoder(self.text_encoder).dimensions if "text" in self.modalities else 0

    @cached_property
    def image_width(self) -> int:
        """Length of the image block without the flag behind it; 0 where photographs are not read."""
        return describe_image_encoder(self.image_encoder).dimensions if "image" in self.modalities else 0

    @property
    def width(self) -> int:
        """Length of a row."""
        return self.text_width + self.image_width + ("image" in self.modalities)

    @cached_property
    def versions(self) -> dict[str, str]:
        """Of each modality that is read the version of its encoder's weights and code, as spaces keep them."""
        described = {}
        if "text" in self.modalities:
            described["text"] = describe_text_encoder(self.text_encoder).version
        if "image" in self.modalities:
            described["image"] = describe_image_encoder(self.image_encoder).version
        return described

    def check_versions(self, learnt: dict[str, str]) -> None:
        """Refuse encoders that no longer say what a network has learnt to read; ``learnt`` is of those it asks.

        Raises:
            Conflict: an encoder has another version than when the network was trained.
        """
        for modality, version in learnt.items():
            if self.versions[modality] != version:
                name = self.text_encoder if modality == "text" else self.image_encoder
                raise Conflict(
                    f"the model learnt from version {version} of the {modality} encoder {name}, and this machine has "
                    f"{self.versions[modality]}: train it again, or put that version's weights back",
                    field="model",
                )

    def only(self, modalities: Iterable[Modality]) -> "Features":
        """The same encoders and what they said already, with these modalities."""
        other = Features(self.text_encoder, self.image_encoder, modalities, self._runtime, keeps=self._keeps)
        other._texts, other._images = self._texts, self._images
        return other

    def rows(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """(n, width) float32.

        Raises:
            WeightsMissing: an encoder's weights are not on this machine.
            UnreadableImage: a photograph is no image that Shelfmate accepts.
        """
        blocks = []
        if "text" in self.modalities:
            blocks.append(self.texts([joined(example) for example in examples]))
        if "image" in self.modalities:
            blocks.append(self.images([example.image for example in examples]))
        return np.concatenate(blocks, axis=1) if blocks else np.zeros((len(examples), 0), dtype=np.float32)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, text_width) float32 unit rows."""
        keys = [_key(text.encode()) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._texts}
        for part in _parts(list(new), TEXTS):
            vectors = self._text_model.encode([new[key] for key in part])
            self._texts.update(zip(part, vectors, strict=True))
        rows = np.array([self._texts[key] for key in keys], dtype=np.float32).reshape(len(texts), self.text_width)
        if not self._keeps:
            self._texts.clear()
        return rows

    def images(self, images: Sequence[bytes | None]) -> NDArray[np.float32]:
        """(n, image_width + 1) float32: unit rows with a 1 behind, or zeros where there is no photograph."""
        keys = [None if image is None else _key(image) for image in images]
        pairs = zip(keys, images, strict=True)
        new = {key: image for key, image in pairs if key is not None and key not in self._images}
        for part in _parts(list(new), IMAGES):
            vectors = self._image_model.encode([self._image_model.prepare(new[key] or b"") for key in part])
            self._images.update(zip(part, vectors, strict=True))
        rows = np.zeros((len(images), self.image_width + 1), dtype=np.float32)
        for row, key in enumerate(keys):
            if key is not None:
                rows[row, :-1], rows[row, -1] = self._images[key], 1
        if not self._keeps:
            self._images.clear()
        return rows

    @cached_property
    def _text_model(self) -> TextEncoder:
        return load_text_encoder(self.text_encoder, runtime=self._runtime)

    @cached_property
    def _image_model(self) -> ImageEncoder:
        return load_image_encoder(self.image_encoder, runtime=self._runtime)


def _key(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _parts(keys: list[bytes], size: int) -> Iterable[list[bytes]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
