"""Photographs of rows: read from disk or memory, looked at only when the database has others."""

import hashlib
from pathlib import Path, PurePosixPath

from backend.catalog.importers.values import read_text
from backend.encoders.images import MAX_BYTES, ImageFacts, describe_image
from backend.errors import InvalidInput, UnreadableImage

# Every pixel of a photograph up to this size, a telephone's 12 megapixels, is decoded: 0.1 ms for a JPEG of 60 x 80,
# 70 ms at the limit (230 ms and 190 MB in all if progressive). Of a larger one only the header is read, and the worker
# finds damage behind it.
VERIFIED_PIXELS = 12_500_000


def read_image_path(value: object) -> PurePosixPath:
    """A path inside a directory: relative, without ``..``."""
    text = read_text(value)
    path = PurePosixPath(text.replace("\\", "/"))
    if "://" in text:
        raise InvalidInput("is an address: download the photograph and give its path")
    if path.is_absolute() or ".." in path.parts:
        raise InvalidInput("must be a path below the directory of the photographs")
    return path


def read_photograph(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImage: it is too large or cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableImage(f"The file cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise UnreadableImage(f"The file has more than the {MAX_BYTES // 2**20} MiB accepted: send a smaller one.")
    return data


def fingerprint(data: bytes) -> bytes:
    """SHA-256 of the bytes, by which an unchanged photograph is known."""
    return hashlib.sha256(data).digest()


def check_photograph(data: bytes) -> ImageFacts:
    """Type and size of a photograph that can be decoded.

    Raises:
        UnreadableImage: it cannot be.
    """
    facts = describe_image(data)
    if facts.width * facts.height <= VERIFIED_PIXELS:
        describe_image(data, verify=True)
    return facts
