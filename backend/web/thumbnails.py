"""Photographs at the size in which a page shows them."""

import io
from collections import OrderedDict
from threading import Lock

from PIL import Image

from backend.encoders.images import decode_image

# Pixels: a card on a plain and on a dense screen, and the photograph of the product page.
WIDTHS = (320, 640, 1280)

JPEG_QUALITY = 82
# A JPEG has at most 65,535 lines, and no page shows what is this much taller than wide.
TALLEST = 20
# Some 30 kB each, so about 15 MB.
MOST_KEPT = 512


class Thumbnails:
    """Scales photographs down and keeps the last of them; safe to share between threads."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def find(self, sha256: str, width: int) -> bytes | None:
        """The JPEG made earlier from the photograph with this hash, if it is still kept."""
        with self._lock:
            found = self._kept.get((sha256, width))
            if found is not None:
                self._kept.move_to_end((sha256, width))
            return found

    def make(self, sha256: str, width: int, content: bytes) -> bytes:
        """A JPEG of the photograph, ``width`` pixels wide, proportions kept; of a very tall one the upper part.

        Raises:
            UnreadableImage: the bytes are not an image that Shelfmate accepts.
        """
        picture = decode_image(content, at_least=width)
        picture = picture.crop((0, 0, picture.width, min(picture.height, TALLEST * picture.width)))
        height = max(1, round(picture.height * width / picture.width))
        buffer = io.BytesIO()
        picture.resize((width, height), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=JPEG_QUALITY)
        made = buffer.getvalue()
        with self._lock:
            self._kept[sha256, width] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made
