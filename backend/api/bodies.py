"""The bytes of a request: JSON, or a file as the body itself or as the one part of a form."""

from collections.abc import Sequence

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, UnsupportedMediaType

from backend.errors import InvalidInput

FORM = "multipart/form-data"
RAW = "application/octet-stream"
NDJSON = "application/x-ndjson"
PART = "image"


def read_json(media_types: Sequence[str], *, required: bool) -> bytes:
    """The body, not parsed yet; ``{}`` where there is none and none is required.

    Raises:
        UnsupportedMediaType: the body is of none of the media types.
    """
    data = _read_body()
    if not data and not required:
        return b"{}"
    if request.mimetype not in media_types:
        raise UnsupportedMediaType(f"The Content-Type is {request.mimetype or 'none'}: send JSON as {media_types[0]}.")
    return data


def read_upload() -> bytes:
    """The bytes of the file that the request carries.

    Raises:
        UnsupportedMediaType: the body is neither an image nor a form.
        InvalidInput: the form does not consist of exactly one file.
    """
    kind = request.mimetype
    if kind == FORM:
        others = [name for name in [*request.form, *request.files] if name != PART]
        if others:
            raise InvalidInput(f"unknown; the form has one part, named {PART}", field=others[0])
        files = request.files.getlist(PART)
        if len(files) != 1:
            raise InvalidInput(f"exactly one file is needed, and {len(files)} came", field=PART)
        return files[0].stream.read()
    if kind == RAW or kind.startswith("image/"):
        return _read_body()
    raise UnsupportedMediaType(
        f"The Content-Type is {kind or 'none'}: send the file's bytes as image/jpeg, another image type or {RAW}, "
        f"or a {FORM} with one file named {PART}."
    )


def _read_body() -> bytes:
    # Werkzeug ends a body at the limit, or where the client hangs up, as if it had been whole.
    data = request.get_data(cache=False)
    if request.content_length is None:
        if request.max_content_length is not None and len(data) >= request.max_content_length:
            raise RequestEntityTooLarge
    elif len(data) < request.content_length:
        raise ClientDisconnected
    return data
