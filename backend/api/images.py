"""Photographs over HTTP: the first one of a product by a path of its own, each by its position."""

from typing import Annotated

from flask import request
from pydantic import Field

from backend.api.answers import Answer
from backend.api.products import image_path
from backend.api.routing import Content, Routes
from backend.api.services import Services
from backend.api.types import Answered, Query, Time
from backend.api.waiting import PENDING, WaitQuery, settle
from backend.catalog import images
from backend.catalog.images import StoredImage
from backend.catalog.products import EmbeddingState, get_product
from backend.errors import Conflict, NotFound, UnreadableImage

routes = Routes("Images")

A_YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"

Position = Annotated[
    int, Field(ge=0, lt=images.MOST_POSITIONS, description="The first eight that there are are embedded.")
]


class ImageQuery(Query):
    """Which photograph."""

    position: Position = 0


class PutImageQuery(ImageQuery, WaitQuery):
    """Where it goes, and whether to wait for its vectors."""


class DeleteImageQuery(ImageQuery, WaitQuery):
    """Which one goes, and whether to wait for the vectors of what is left."""


class MarkQuery(Query):
    """Whether the address is that of its content."""

    v: Annotated[str | None, Field(description="Mark of the content: with it the answer may be kept for ever.")] = None


class ShownImageQuery(ImageQuery, MarkQuery):
    """Which photograph, and whether its address is that of its content."""


class ImageAnswer(Answered):
    """A stored photograph; its size is in pixels."""

    url: Annotated[str, Field(description="Where its bytes are; the address changes with them.")]
    position: int
    sha256: str
    media_type: str
    width: int
    height: int
    byte_size: int
    created_at: Time


class StoredImageAnswer(ImageAnswer):
    """A photograph that was stored just now."""

    embedding: Annotated[EmbeddingState, Field(description="That of its product.")]


class ImagesAnswer(Answered):
    """The photographs of a product, in order."""

    items: list[ImageAnswer]


_STORED = {200: StoredImageAnswer, 201: StoredImageAnswer, 202: StoredImageAnswer}
_REFUSED = [NotFound, UnreadableImage, Conflict]
_DELETED: dict[int, Content] = {202: None, 204: None}


@routes.add("PUT", "/v1/products/{sku}/image", _STORED, problems=_REFUSED)
def put_image(services: Services, sku: str, query: PutImageQuery, content: bytes) -> Answer:
    """Store a photograph: JPEG, PNG, WebP, GIF or AVIF. A worker embeds it within seconds."""
    return _stored(services, sku, query, *images.put_image(services.database, sku, content, position=query.position))


@routes.add("GET", "/v1/products/{sku}/image", {200: "image/*", 304: None}, problems=[NotFound])
def get_image(services: Services, sku: str, query: ShownImageQuery) -> Answer:
    """Get the bytes of a photograph as they were uploaded."""
    return _shown(services, sku, query.position, query.v)


@routes.add("DELETE", "/v1/products/{sku}/image", _DELETED, problems=[NotFound])
def delete_image(services: Services, sku: str, query: DeleteImageQuery) -> Answer:
    """Delete a photograph."""
    images.delete_image(services.database, sku, position=query.position)
    return _deleted(services, sku, query)


@routes.add("GET", "/v1/products/{sku}/images", {200: ImagesAnswer}, problems=[NotFound])
def list_images(services: Services, sku: str) -> Answer:
    """List the photographs of a product, in the order in which they are shown."""
    found = images.list_images(services.database, sku)
    if not found:
        # Without photographs, or not there at all.
        get_product(services.database, sku)
    items = [ImageAnswer(url=image_path(sku, image.position, image.sha256), **vars(image)) for image in found]
    return Answer(ImagesAnswer(items=items))


@routes.add("POST", "/v1/products/{sku}/images", _STORED, problems=_REFUSED)
def add_image(services: Services, sku: str, query: WaitQuery, content: bytes) -> Answer:
    """Store a photograph behind the others. One that the product has already is not stored again (200)."""
    return _stored(services, sku, query, *images.add_image(services.database, sku, content))


@routes.add("PUT", "/v1/products/{sku}/images/{position}", _STORED, problems=_REFUSED)
def put_image_at(services: Services, sku: str, position: Position, query: WaitQuery, content: bytes) -> Answer:
    """Store a photograph at a position, in place of the one there."""
    return _stored(services, sku, query, *images.put_image(services.database, sku, content, position=position))


@routes.add("GET", "/v1/products/{sku}/images/{position}", {200: "image/*", 304: None}, problems=[NotFound])
def get_image_at(services: Services, sku: str, position: Position, query: MarkQuery) -> Answer:
    """Get the bytes of the photograph at a position."""
    return _shown(services, sku, position, query.v)


@routes.add("DELETE", "/v1/products/{sku}/images/{position}", _DELETED, problems=[NotFound])
def delete_image_at(services: Services, sku: str, position: Position, query: WaitQuery) -> Answer:
    """Delete the photograph at a position. The others keep theirs."""
    images.delete_image(services.database, sku, position=position)
    return _deleted(services, sku, query)


def _stored(services: Services, sku: str, query: WaitQuery, image: StoredImage, created: bool) -> Answer:
    embedding = settle(services, query, [sku])[sku]
    answer = StoredImageAnswer(url=image_path(sku, image.position, image.sha256), embedding=embedding, **vars(image))
    headers = {"Location": answer.url} if created else {}
    if query.wait is not None and embedding == "pending":
        return Answer(answer, 202, headers | PENDING)
    return Answer(answer, 201 if created else 200, headers)


def _deleted(services: Services, sku: str, query: WaitQuery) -> Answer:
    """202 where the product, which waits to be embedded without it, still does so."""
    if query.wait is not None and settle(services, query, [sku])[sku] == "pending":
        return Answer(status=202, headers=PENDING)
    return Answer(status=204)


def _shown(services: Services, sku: str, position: int, mark: str | None) -> Answer:
    image = images.describe_stored_image(services.database, sku, position=position)
    named = mark is not None and len(mark) >= 16 and image.sha256.startswith(mark)
    headers = {
        "ETag": f'"{image.sha256}"',
        "Cache-Control": A_YEAR if named else ASK_AGAIN,
        "Content-Disposition": "inline",
    }
    if request.if_none_match.contains_weak(image.sha256):
        return Answer(status=304, headers=headers)
    return Answer(images.read_image(services.database, sku, image), 200, headers, image.media_type)
