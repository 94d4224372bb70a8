"""Bytes of an image file to RGB pixels, within limits: the door that every photograph comes through.

Accepted are JPEG, PNG, WebP, GIF and AVIF. The result is always 8-bit sRGB as a person sees it: turned as EXIF says,
its colour profile applied, transparency on white, the first frame of an animation.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from importlib import import_module

from PIL import Image, ImageFile, UnidentifiedImageError

from backend.encoders.colours import to_srgb
from backend.errors import UnreadableImage

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 64_000_000

ACCEPTED = "JPEG, PNG, WebP, GIF or AVIF"
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    # A JPEG with more pictures behind the first one, as some cameras write it.
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
# Without this Image.open imports every format that Pillow knows before it looks for WebP or AVIF.
for _plugin in ("Avif", "Gif", "Jpeg", "Mpo", "Png", "WebP"):
    import_module(f"PIL.{_plugin}ImagePlugin")

# What Pillow's readers raise on damaged files; a test changes bytes of good ones at random and expects no other.
_DAMAGE = (
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    KeyError,
    OverflowError,
    struct.error,
    zlib.error,
)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# EXIF tag 0x0112, values 2 to 8 (CIPA DC-008, 4.6.4): what brings the stored picture upright.
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = range(5, 9)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image file says of itself; ``width`` and ``height`` are in pixels, as it is shown (EXIF applied)."""

    media_type: str
    width: int
    height: int


def describe_image(data: bytes, *, verify: bool = False) -> ImageFacts:
    """Type and size from the header of the file ``data``; with ``verify`` every pixel is decoded too.

    Raises:
        UnreadableImage: not an accepted format, too large, or (as far as was read) damaged.
    """
    with _open(data) as image:
        facts = _facts(image)
        if verify:
            _load(image)
    return facts


def decode_image(data: bytes, *, at_least: int | None = None) -> Image.Image:
    """The picture in the file ``data`` as an image in mode RGB, sRGB.

    With ``at_least`` a JPEG may come smaller, by 2, 4 or 8, as long as both its sides keep this many pixels: several
    times faster for a large photograph that is scaled down anyway.

    Raises:
        UnreadableImage: empty, over ``MAX_BYTES`` or ``MAX_PIXELS``, not an accepted format, or damaged; the message
            says which, and what to do.
    """
    with _open(data) as image:
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        drawn = _drawn(image)
        _load(image)
        turn = _UPRIGHT.get(_orientation(image))
        rgb = to_srgb(image)
    if drawn is not None:
        white = Image.new("RGB", rgb.size, (255, 255, 255))
        white.paste(rgb.crop(drawn), drawn)
        rgb = white
    return rgb if turn is None else rgb.transpose(turn)


def _open(data: bytes) -> ImageFile.ImageFile:
    if not data:
        raise UnreadableImage("The image is empty (0 bytes): send the file again.")
    if len(data) > MAX_BYTES:
        raise UnreadableImage(
            f"The image has {len(data) / 2**20:.1f} MiB, more than the {MAX_BYTES / 2**20:.0f} MiB accepted: "
            "send a smaller or more compressed one."
        )
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except _BOMB as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        raise UnreadableImage(_not_accepted(data)) from error
    except _DAMAGE as error:
        raise UnreadableImage(f"The image's header is damaged ({error}): export or download the file again.") from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise _too_many_pixels(image.size)
    return image


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except _BOMB as error:
        raise _too_many_pixels() from error
    except _DAMAGE as error:
        raise UnreadableImage(
            f"The {image.format} image is damaged or cut short ({error}): export or download the file again."
        ) from error


def _drawn(image: ImageFile.ImageFile) -> tuple[int, int, int, int] | None:
    """What the first frame of a GIF covers, where not all: browsers leave the rest transparent, Pillow fills it.

    To be asked before the pixels are loaded.
    """
    if image.format != "GIF" or not image.tile:
        return None
    extents = image.tile[0].extents
    return None if extents is None or extents == (0, 0, *image.size) else extents


def _facts(image: Image.Image) -> ImageFacts:
    width, height = image.size
    if _orientation(image) in _SIDEWAYS:
        width, height = height, width
    return ImageFacts(_MEDIA_TYPES[str(image.format)], width, height)


def _orientation(image: Image.Image) -> int:
    """1 to 8, and 1 (upright) where the file does not say or its EXIF block cannot be read."""
    block = image.info.get("exif")
    if not block:
        return 1
    exif = Image.Exif()
    try:
        exif.load(block)
        value = exif.get(_ORIENTATION, 1)
    except _DAMAGE:
        # A broken EXIF block says nothing about the picture, which every viewer then shows as it is stored.
        return 1
    return value if isinstance(value, int) else 1


def _too_many_pixels(size: tuple[int, int] | None = None) -> UnreadableImage:
    has = f"{size[0]} x {size[1]} pixels" if size else "too many pixels"
    return UnreadableImage(f"The image has {has}, more than the {MAX_PIXELS // 10**6} million accepted: scale it down.")


def _not_accepted(data: bytes) -> str:
    for offset, magic, name in _OURS:
        if data.startswith(magic, offset):
            return f"The header of the {name} image is damaged: export or download the file again."
    kinds = (name for offset, magic, name in _OTHERS if data.startswith(magic, offset))
    return f"The file is {next(kinds, 'in no format that we know')}: send the photograph as {ACCEPTED}."


_OURS = (
    (0, b"\xff\xd8", "JPEG"),
    (0, b"\x89PNG", "PNG"),
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WebP"),
    (4, b"ftypavi", "AVIF"),
)
# Files that people send as photographs; only to say what came.
_OTHERS = (
    (4, b"ftyphei", "a HEIC photograph"),
    (4, b"ftypmif1", "a HEIF photograph"),
    (0, b"BM", "a BMP image"),
    (0, b"II*\x00", "a TIFF image"),
    (0, b"MM\x00*", "a TIFF image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML document or SVG drawing"),
    (0, b"<", "a web page"),
)
