"""A file in a request: the body itself, or the one part of a form."""

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from backend.errors import InvalidInput

FORM = "multipart/form-data"
RAW = "application/octet-stream"
PART = "image"


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
        return files[0].read()
    if kind == RAW or kind.startswith("image/"):
        return request.get_data(cache=False)
    raise UnsupportedMediaType(
        f"The Content-Type is {kind or 'none'}: send the file's bytes as image/jpeg, another image type or {RAW}, "
        f"or a {FORM} with one file named {PART}."
    )
