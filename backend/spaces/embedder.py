"""The encoders of spaces and what was fitted for them, loaded once in a process and shared by its threads."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.database.connection import Database
from backend.encoders.engines import Runtime
from backend.encoders.protocols import ImageEncoder, TextEncoder
from backend.encoders.registry import load_image_encoder, load_text_encoder, needs_fitting
from backend.errors import ConfigurationError
from backend.settings import settings
from backend.spaces.fusion import Vectors
from backend.spaces.inputs import is_of_facts
from backend.spaces.models import SpaceModel, load_models
from backend.spaces.scaling import METHOD, read_scale
from backend.spaces.space import Space

if TYPE_CHECKING:
    from backend.spaces.projections import Projection


# Modality, name, and what stands for the state.
_Key = tuple[str, str, bytes | None]


@dataclass(frozen=True)
class _Fitted:
    """What was fitted for one block: the encoder's state, and what its rows go through."""

    state: bytes | None = None
    projection: "Projection | None" = None
    scale: float = 1.0

    @cached_property
    def digest(self) -> bytes | None:
        """Stands for the state: spaces that were fitted alike share an encoder."""
        return self.state and sha256(self.state).digest()


class Embedder:
    """Turns a space's inputs into its blocks; an encoder is loaded when it is first needed, a fitted model too.

    Blocks are unit rows where the space's kernel is cosine; where it is linear they keep their lengths, divided by one
    constant. Without a ``database`` only spaces without fitted models can be served. ``runtime`` says how encoders run;
    without one the settings say it.
    """

    def __init__(self, database: Database | None = None, runtime: Runtime | None = None) -> None:
        self._database = database
        self._runtime = runtime or configured_runtime()
        self._lock = Lock()
        self._locks: dict[_Key, Lock] = {}
        self._text: dict[_Key, TextEncoder] = {}
        self._image: dict[_Key, ImageEncoder] = {}
        self._fitted: dict[int, dict[str, _Fitted]] = {}

    def texts(self, space: Space, texts: Sequence[str]) -> Vectors:
        """(n, text_dimensions) float32 rows of free texts, each of which stands for the texts of a product.

        A blank text gives a zero row. Of attributes and a price a free text says nothing: they are those of the mean
        product where a projection knows them, and else missing.

        Raises:
            ConfigurationError: the space has no text, or its encoder has changed since it was made.
            WeightsMissing: the encoder's weights are not on this machine.
        """
        encoder = self._text_encoder(space)
        rows = self._encode_texts(space, encoder, texts)
        if not any(is_of_facts(part) for part in space.text_inputs):
            return self._end(space, "text", _joined([rows] * len(space.text_inputs)))
        joined = _joined([np.zeros_like(rows) if is_of_facts(part) else rows for part in space.text_inputs])
        projection = self._models(space)["text"].projection
        if projection is not None:
            columns = np.repeat([is_of_facts(part) for part in space.text_inputs], rows.shape[1])
            joined[:, columns] = projection.offset[columns] * rows.any(axis=1, keepdims=True)
        return self._end(space, "text", joined)

    def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
        """(n, text_dimensions) float32 rows of products, from what ``Space.texts_of`` gave of each.

        A product whose texts are all blank gives a zero row. Raises as ``texts`` does.
        """
        encoder = self._text_encoder(space)
        columns = len(space.text_inputs)
        # Together, so that texts of one length meet in a batch; equal ones are encoded once.
        given = [text for product in inputs for text in product]
        places = {text: place for place, text in enumerate(dict.fromkeys(given))}
        rows = self._encode_texts(space, encoder, list(places))
        if not given:
            return np.zeros((0, space.text_dimensions), dtype=np.float32)
        order = np.array([places[text] for text in given]).reshape(-1, columns)
        return self._end(space, "text", _joined([rows[order[:, column]] for column in range(columns)]))

    def prepare_image(self, space: Space, content: bytes) -> NDArray[np.uint8]:
        """What the space's image encoder encodes, decoded from a file's bytes.

        Raises:
            UnreadableImage: the bytes are not an image that Shelfmate accepts.
        """
        return self._image_encoder(space).prepare(content)

    def images(self, space: Space, prepared: Sequence[NDArray[np.uint8]]) -> Vectors:
        """(n, image_dimensions) float32 rows from what ``prepare_image`` returned."""
        encoder = self._image_encoder(space)
        rows = encoder.encode(prepared, normalized=space.kernel != "linear")
        return self._end(space, "image", rows)

    def reviews(self, space: Space, texts: Sequence[str]) -> Vectors:
        """(n, reviews_dimensions) float32 unit rows of single reviews, or of free texts to compare reviews with.

        A text that says nothing to the encoder gives a zero row. Raises as ``texts`` does, where the space has no
        reviews.
        """
        return self._end(space, "reviews", self._review_encoder(space).encode(texts))

    def warm_up(self, space: Space) -> None:
        """Load the space's encoders now, so that the first product does not wait for them."""
        if space.text_encoder:
            self._text_encoder(space).warm_up()
        if space.reviews_encoder:
            self._review_encoder(space).warm_up()
        if space.image_encoder:
            self._image_encoder(space).warm_up()

    def keep_only(self, spaces: Sequence[Space]) -> None:
        """Let go of what was fitted for other spaces, and of encoders that none of these has.

        A process that lives for months sees many spaces come and go; what is asked for all the same is loaded again.
        """
        with self._lock:
            self._fitted = {space.id: self._fitted[space.id] for space in spaces if space.id in self._fitted}
            needed = {
                (kind, name, self._fitted[space.id][modality].digest)
                for space in spaces
                if space.id in self._fitted
                for kind, modality, name in (
                    ("text", "text", space.text_encoder),
                    ("text", "reviews", space.reviews_encoder),
                    ("image", "image", space.image_encoder),
                )
            }
            for key in [key for key in (*self._text, *self._image) if key not in needed]:
                self._text.pop(key, None)
                self._image.pop(key, None)

    def _encode_texts(self, space: Space, encoder: TextEncoder, texts: Sequence[str]) -> Vectors:
        return encoder.encode(texts, normalized=space.kernel != "linear")

    def _end(self, space: Space, modality: str, rows: Vectors) -> Vectors:
        fitted = self._models(space)[modality]
        if space.kernel == "linear":
            if fitted.projection is not None:
                rows = fitted.projection.apply_linear(rows)
            return rows / np.float32(fitted.scale)
        return rows if fitted.projection is None else fitted.projection.apply(rows)

    def _text_encoder(self, space: Space) -> TextEncoder:
        return self._encoder_of(space, "text", space.text_encoder, space.text_version)

    def _review_encoder(self, space: Space) -> TextEncoder:
        return self._encoder_of(space, "reviews", space.reviews_encoder, space.reviews_version)

    def _encoder_of(self, space: Space, modality: str, encoder_name: str | None, version: str | None) -> TextEncoder:
        """An encoder of texts; texts and reviews that are encoded alike share it."""
        name = _required(space, encoder_name, modality)
        fitted = self._models(space)[modality]
        key = "text", name, fitted.digest
        with self._lock_of(key):
            encoder = self._text.get(key)
            if encoder is None:
                encoder = self._text[key] = load_text_encoder(name, fitted.state, self._runtime)
        _check_version(space, name, version, encoder.version)
        return encoder

    def _image_encoder(self, space: Space) -> ImageEncoder:
        name = _required(space, space.image_encoder, "image")
        fitted = self._models(space)["image"]
        key = "image", name, fitted.digest
        with self._lock_of(key):
            encoder = self._image.get(key)
            if encoder is None:
                encoder = self._image[key] = load_image_encoder(name, fitted.state, self._runtime)
        _check_version(space, name, space.image_version, encoder.version)
        return encoder

    def _lock_of(self, key: _Key) -> Lock:
        """One lock an encoder: while one is loaded, which may take seconds, the others are used."""
        with self._lock:
            return self._locks.setdefault(key, Lock())

    def _models(self, space: Space) -> dict[str, _Fitted]:
        with self._lock:
            fitted = self._fitted.get(space.id)
        if fitted is None:
            fitted = self._load(space)
            with self._lock:
                self._fitted[space.id] = fitted
        return fitted

    def _load(self, space: Space) -> dict[str, _Fitted]:
        if self._database is None:
            projections = (space.text_projection, space.image_projection, space.reviews_projection)
            if space.kernel == "linear" or any(projections) or _is_fitted(space):
                raise ConfigurationError(f"the models of the embedding space {space.name} are in a database: name it")
            return {"text": _Fitted(), "image": _Fitted(), "reviews": _Fitted()}
        models: dict[tuple[str, str], SpaceModel] = {
            (model.modality, model.part): model for model in load_models(self._database, space.id)
        }
        return {
            modality: _fitted(space, models.get((modality, "encoder")), models.get((modality, "projection")), wanted)
            for modality, wanted in (
                ("text", space.text_projection),
                ("image", space.image_projection),
                ("reviews", space.reviews_projection),
            )
        }


def configured_runtime() -> Runtime:
    """What runs the encoders as the settings of this process have it, measured at the first start.

    The line that says what was measured goes to standard error.
    """
    wanted = settings()
    return Runtime(
        text=wanted.text_engine,
        image=wanted.image_engine,
        home=wanted.home,
        report=lambda line: print(line, file=sys.stderr, flush=True),
    )


def _fitted(space: Space, encoder: SpaceModel | None, projection: SpaceModel | None, wanted: str | None) -> _Fitted:
    if wanted is not None and (projection is None or projection.method != wanted):
        raise ConfigurationError(
            f"the projection {wanted} of the embedding space {space.name} is not stored: drop it and make it anew"
        )
    state = None if encoder is None else encoder.content
    if projection is None:
        return _Fitted(state)
    if projection.method == METHOD:
        return _Fitted(state, scale=read_scale(projection.content))
    from backend.spaces.projections import Projection

    return _Fitted(state, Projection.from_bytes(projection.content))


def _is_fitted(space: Space) -> bool:
    return any(name is not None and needs_fitting(name) for name in (space.text_encoder, space.reviews_encoder))


def _joined(parts: Sequence[Vectors]) -> Vectors:
    """Several texts' rows beside each other; divided by sqrt(n), n unit rows are one unit row."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts, axis=1) / np.float32(len(parts) ** 0.5)


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
