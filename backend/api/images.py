"""Photographs over HTTP."""

from typing import Annotated

from flask import request
from pydantic import Field

from backend.api.answers import Answer
from backend.api.products import image_path
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Query, Time
from backend.catalog import images
from backend.catalog.images import StoredImage
from backend.errors import Conflict, NotFound, UnreadableImage

routes = Routes("Images")

A_YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"

Position = Annotated[int, Field(ge=0, lt=images.MOST_POSITIONS, description="The first one, 0, is embedded.")]


class ImageQuery(Query):
    """Which photograph."""

    position: Position = 0


class ShownImageQuery(ImageQuery):
    """Which photograph, and whether its address is that of its content."""

    v: Annotated[str | None, Field(description="Mark of the content: with it the answer may be kept for ever.")] = None


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


@routes.add(
    "PUT",
    "/v1/products/{sku}/image",
    {200: ImageAnswer, 201: ImageAnswer},
    problems=[NotFound, UnreadableImage, Conflict],
)
def put_image(services: Services, sku: str, query: ImageQuery, content: bytes) -> Answer:
    """Store a photograph: JPEG, PNG, WebP, GIF or AVIF. A worker embeds it within seconds."""
    image, created = images.put_image(services.database, sku, content, position=query.position)
    answer = _as_image(sku, image)
    return Answer(answer, 201, {"Location": answer.url}) if created else Answer(answer)


@routes.add("GET", "/v1/products/{sku}/image", {200: "image/*", 304: None}, problems=[NotFound])
def get_image(services: Services, sku: str, query: ShownImageQuery) -> Answer:
    """Get the bytes of a photograph as they were uploaded."""
    image = images.describe_stored_image(services.database, sku, position=query.position)
    named = query.v is not None and len(query.v) >= 16 and image.sha256.startswith(query.v)
    headers = {
        "ETag": f'"{image.sha256}"',
        "Cache-Control": A_YEAR if named else ASK_AGAIN,
        "Content-Disposition": "inline",
    }
    if request.if_none_match.contains_weak(image.sha256):
        return Answer(status=304, headers=headers)
    return Answer(images.read_image(services.database, sku, image), 200, headers, image.media_type)


@routes.add("DELETE", "/v1/products/{sku}/image", {204: None}, problems=[NotFound])
def delete_image(services: Services, sku: str, query: ImageQuery) -> Answer:
    """Delete a photograph."""
    images.delete_image(services.database, sku, position=query.position)
    return Answer(status=204)


def _as_image(sku: str, image: StoredImage) -> ImageAnswer:
    return ImageAnswer(url=image_path(sku, image.position, image.sha256), **vars(image))
