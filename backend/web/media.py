"""Photographs from the database, at the size asked for, cached by browsers for as long as they stay the same."""

from flask import Blueprint, Response, request

from backend.catalog.images import list_images, read_image
from backend.errors import NotFound
from backend.web.blueprint import services
from backend.web.thumbnails import WIDTHS

views = Blueprint("media", __name__)

A_YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"


@views.get("/p/<sku>/photo")
def photo(sku: str) -> Response:
    """A product's first photograph, or the one at position ``n``.

    ``v`` is the beginning of its SHA-256, ``w`` one of ``WIDTHS``; never scaled up.
    """
    shop = services()
    position = request.args.get("n", type=int)
    images = list_images(shop.database, sku)
    stored = next((image for image in images if position in (None, image.position)), None)
    if stored is None:
        raise NotFound(f"product {sku} has no photograph" + ("" if position is None else f" at position {position}"))
    width = request.args.get("w", type=int)
    if width not in WIDTHS or width >= stored.width:
        width = None
    tag = f"{stored.sha256[:32]}-{width or 'full'}"
    response = Response(mimetype="image/jpeg" if width else stored.media_type)
    response.set_etag(tag)
    version = request.args.get("v", "")
    named = len(version) >= 16 and stored.sha256.startswith(version)
    response.headers["Cache-Control"] = A_YEAR if named else ASK_AGAIN
    # Whatever the bytes are, nothing in them runs when they are opened by themselves.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
        return response
    if width is None:
        response.data = read_image(shop.database, sku, stored)
        return response
    response.data = shop.thumbnails.find(stored.sha256, width) or shop.thumbnails.make(
        stored.sha256, width, read_image(shop.database, sku, stored)
    )
    return response
