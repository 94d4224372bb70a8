"""Any mode of pixels to 8-bit sRGB as a person sees it: the file's colour profile applied, transparency on white."""

import io
from typing import Any

import numpy as np
from PIL import Image

# ICC.1:2022, 7.2.8: the kind of numbers that a profile describes, by the modes that hold them.
_SPACES = {"RGB": b"RGB ", "CMYK": b"CMYK", "L": b"GRAY"}
_SPACE_AT, _SPACE_END = 16, 20
# How the description of every common sRGB profile begins, in the two encodings that there are.
_SRGB = (b"sRGB", "sRGB".encode("utf-16-be"))


def to_srgb(image: Image.Image) -> Image.Image:
    """The loaded ``image`` in mode RGB; the same object where nothing has to be done.

    16 bits a channel are scaled to 8. A profile that is broken, or of other numbers than the picture's, is left out, as
    browsers do.
    """
    profile = image.info.get("icc_profile") or b""
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    elif image.mode == "1":
        # Pillow looks for a transparent value in grey pictures, not in those of one bit.
        image = image.convert("L")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        alpha = rgba.getchannel("A")
        white = Image.new("RGB", rgba.size, (255, 255, 255))
        white.paste(_by_profile(rgba.convert("RGB"), profile), mask=alpha)
        return white
    if image.mode not in _SPACES:
        image = image.convert("RGB")
    return _by_profile(image, profile)


def _eight_bits(image: Image.Image) -> Image.Image:
    # Pillow's own conversion would clip at 255 instead of scaling.
    values = np.asarray(image)
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    transparent = image.info.get("transparency")
    if transparent is None:
        return grey
    alpha = Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    if profile[_SPACE_AT:_SPACE_END] == _SPACES[image.mode] and not any(name in profile for name in _SRGB):
        # A library of its own, which most pictures do not need.
        from PIL import ImageCms

        try:
            converted: Any = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            return image.convert("RGB")
        return converted  # type: ignore[no-any-return]  # None only where it was asked to work in place.
    return image if image.mode == "RGB" else image.convert("RGB")
