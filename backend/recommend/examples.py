"""Examples of a query, likes and unlikes: texts and photographs become vectors of a space, all of a call at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.database.connection import Database
from backend.errors import ConfigurationError, InvalidInput, ShelfmateError, UnreadableImage
from backend.spaces.embedder import Embedder
from backend.spaces.space import Space, list_spaces

Json = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """One thing to be like or unlike: exactly one of a product, a text, an image file's bytes, and unit vectors by
    modality."""

    sku: str | None = None
    text: str | None = None
    image: bytes | None = None
    vector: Json | None = None
    weight: float | None = None


@dataclass(frozen=True)
class Request:
    """A query for the SQL function ``recommend`` without its examples, and the examples."""

    query: Json
    like: Sequence[Example] = ()
    unlike: Sequence[Example] = ()


@dataclass
class _Batch:
    """What one encoder is to encode, and where each vector goes."""

    space: Space
    modality: str
    inputs: list[Any] = field(default_factory=list)
    places: list[Json] = field(default_factory=list)


def resolve(database: Database, embedder: Embedder, requests: Sequence[Request]) -> list[Json | ShelfmateError]:
    """A query with products and vectors alone for each request, in order, or the error that it is answered with.

    Each encoder is called once with all that there is for it. A query with vectors made here names its space by
    ``Space.reference``: the database refuses it when that space is gone, even where another has its name.

    Raises:
        ConfigurationError: no space is active, or an encoder cannot be loaded.
    """
    resolver = _Resolver(database, embedder)
    resolved = [resolver.resolve(request) for request in requests]
    resolver.encode()
    return resolved


class _Resolver:
    def __init__(self, database: Database, embedder: Embedder) -> None:
        self.database, self.embedder = database, embedder
        self.spaces: list[Space] | None = None
        self.batches: dict[tuple[int, str], _Batch] = {}

    def resolve(self, request: Request) -> Json | ShelfmateError:
        query = dict(request.query)
        waiting: list[tuple[_Batch, Any, Json]] = []
        try:
            for side, examples in (("like", request.like), ("unlike", request.unlike)):
                if examples:
                    query[side] = [
                        self._example(example, f"{side}[{place}]", query, waiting)
                        for place, example in enumerate(examples)
                    ]
        except InvalidInput as error:
            return error
        for batch, given, place in waiting:
            batch.inputs.append(given)
            batch.places.append(place)
        return query

    def encode(self) -> None:
        """Put the vectors where they were asked for."""
        for batch in self.batches.values():
            if not batch.inputs:
                continue
            encoders: dict[str, Callable[[Space, Sequence[Any]], NDArray[np.float32]]] = {
                "text": self.embedder.texts,
                "image": self.embedder.images,
                "reviews": self.embedder.reviews,
            }
            encode = encoders[batch.modality]
            # As the halves that the database keeps: fewer digits to send.
            vectors = encode(batch.space, batch.inputs).astype(np.float16).astype(np.float64)
            for place, vector in zip(batch.places, vectors, strict=True):
                place[batch.modality] = vector.tolist()

    def _example(self, example: Example, path: str, query: Json, waiting: list[tuple[_Batch, Any, Json]]) -> Json:
        resolved: Json = {} if example.weight is None else {"weight": example.weight}
        if example.sku is not None:
            return resolved | {"sku": example.sku}
        if example.vector is not None:
            return resolved | {"vector": example.vector}
        vector: Json = {}
        if example.text is None:
            space = self._space(query, ("image",), f"{path}.image")
            waiting.append((self._batch(space, "image"), self._image(space, example.image or b"", path), vector))
            return resolved | {"vector": vector}
        # What a text asks for may stand in what is said of a product as well as in what it says itself.
        space = self._space(query, ("text", "reviews"), f"{path}.text")
        given = query.get("weights")
        weights = given if isinstance(given, dict) else {"text": 1, "reviews": 1}
        wanted = [name for name in ("text", "reviews") if _has(space, name) and weights.get(name)]
        waiting += [
            (self._batch(space, modality), example.text, vector)
            for modality in wanted or ["text" if space.text_encoder else "reviews"]
        ]
        return resolved | {"vector": vector}

    def _batch(self, space: Space, modality: str) -> _Batch:
        return self.batches.setdefault((space.id, modality), _Batch(space, modality))

    def _image(self, space: Space, content: bytes, path: str) -> NDArray[np.uint8]:
        try:
            return self.embedder.prepare_image(space, content)
        except UnreadableImage as error:
            raise UnreadableImage(str(error), field=f"{path}.image") from error

    def _space(self, query: Json, modalities: Sequence[str], path: str) -> Space:
        """The space that answers, which the query names from now on; it has one of the modalities."""
        if self.spaces is None:
            self.spaces = list_spaces(self.database, from_primary=True)
        name = query.get("space")
        for space in self.spaces:
            if name in (space.name, space.reference) if name is not None else space.state == "active":
                if not any(_has(space, modality) for modality in modalities):
                    raise InvalidInput(f"the embedding space {space.name} has no {modalities[0]}", field=path)
                query["space"] = space.reference
                return space
        if name is not None:
            raise InvalidInput(f"no embedding space named {name}", field="space")
        raise ConfigurationError("no embedding space is active: run shelfmate migrate, which creates the default one")


def _has(space: Space, modality: str) -> bool:
    encoders = {"text": space.text_encoder, "image": space.image_encoder, "reviews": space.reviews_encoder}
    return encoders[modality] is not None
