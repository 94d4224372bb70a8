"""Every kind of file comes in as the RGB picture that a person sees, or is refused with the reason."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from encoder_pictures import QUADRANTS, file_of, quadrants, scene
from PIL import Image, ImageOps

from backend.encoders import images
from backend.encoders.images import ImageFacts, decode_image, describe_image
from backend.errors import UnreadableImage

FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}


def corners(image: Image.Image) -> list[str]:
    """The names of the quadrant colours top left, top right, bottom left, bottom right."""
    x, y = image.width - 5, image.height - 5
    return [_nearest(image.getpixel(place)) for place in ((4, 4), (x, 4), (4, y), (x, y))]


def _nearest(pixel: tuple[int, ...]) -> str:
    return min(QUADRANTS, key=lambda name: sum(abs(a - b) for a, b in zip(QUADRANTS[name], pixel, strict=True)))


@pytest.mark.parametrize(("kind", "media_type"), FORMATS.items())
def test_each_accepted_format_is_read(kind: str, media_type: str) -> None:
    file = file_of(quadrants(), kind)
    image = decode_image(file)
    assert (image.mode, image.size) == ("RGB", (64, 48))
    assert corners(image) == list(QUADRANTS)
    assert describe_image(file) == describe_image(file, verify=True) == ImageFacts(media_type, 64, 48)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = file_of(quadrants(), kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(file)).convert("RGB"))
    image = decode_image(file)
    np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))
    assert (describe_image(file).width, describe_image(file).height) == image.size
    assert (image.size == (48, 64)) == (orientation >= 5)


def test_an_unreadable_exif_block_leaves_the_picture_as_stored() -> None:
    file = file_of(quadrants(), "JPEG", exif=b"Exif\x00\x00no TIFF header at all")
    assert corners(decode_image(file)) == list(QUADRANTS)


def test_alpha_comes_on_white() -> None:
    picture = Image.new("RGBA", (3, 1))
    picture.putdata([(200, 0, 0, 255), (200, 0, 0, 0), (0, 0, 0, 128)])
    assert _pixels(decode_image(file_of(picture))) == [(200, 0, 0), (255, 255, 255), (127, 127, 127)]
    grey = Image.new("LA", (2, 1))
    grey.putdata([(10, 255), (10, 0)])
    assert _pixels(decode_image(file_of(grey))) == [(10, 10, 10), (255, 255, 255)]


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_comes_on_white(kind: str) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([200, 0, 0, 0, 0, 200])
    picture.putdata([0, 1])
    file = file_of(picture, kind, transparency=1)
    assert _pixels(decode_image(file)) == [(200, 0, 0), (255, 255, 255)]


def test_palette_alphas_come_on_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 0, 0, 200])
    picture.putdata([0, 1])
    assert _pixels(decode_image(file_of(picture, transparency=bytes([128, 255])))) == [(127, 127, 127), (0, 0, 200)]


def test_cmyk_becomes_rgb() -> None:
    image = decode_image(file_of(quadrants().convert("CMYK"), "JPEG", quality=95))
    assert image.mode == "RGB"
    assert corners(image) == list(QUADRANTS)


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    grey = Image.fromarray(np.array([[0, 256, 32768, 65535]], dtype=np.uint16))
    assert _pixels(decode_image(file_of(grey))) == [(0,) * 3, (1,) * 3, (128,) * 3, (255,) * 3]


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_and_bilevel_become_rgb(mode: str) -> None:
    assert _pixels(decode_image(file_of(Image.new(mode, (1, 1), 255)))) == [(255, 255, 255)]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    others = [Image.new("RGB", (64, 48), colour) for colour in ("black", "white")]
    file = file_of(quadrants(), kind, save_all=True, append_images=others, duration=100)
    assert Image.open(io.BytesIO(file)).n_frames == 3
    assert corners(decode_image(file)) == list(QUADRANTS)


def test_a_jpeg_with_more_pictures_behind_it_is_a_jpeg() -> None:
    file = file_of(quadrants(), "MPO", save_all=True, append_images=[quadrants(30, 30)])
    assert describe_image(file) == ImageFacts("image/jpeg", 64, 48)
    assert corners(decode_image(file)) == list(QUADRANTS)


def test_a_large_jpeg_comes_smaller_but_never_under_what_was_asked() -> None:
    file = file_of(quadrants(4000, 1000), "JPEG")
    assert decode_image(file).size == (4000, 1000)
    assert decode_image(file, at_least=448).size == (2000, 500)
    assert decode_image(file, at_least=100).size == (500, 125)
    assert decode_image(file, at_least=1001).size == (4000, 1000)
    assert corners(decode_image(file, at_least=100)) == list(QUADRANTS)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_cut_short_is_refused(kind: str) -> None:
    file = file_of(scene(1, 200, 200), kind)
    for kept in (len(file) // 2, len(file) * 9 // 10):
        with pytest.raises(UnreadableImage, match=r"damaged.*export or download the file again"):
            decode_image(file[:kept])
        with pytest.raises(UnreadableImage):
            describe_image(file[:kept], verify=True)


def test_a_description_reads_the_header_only() -> None:
    file = file_of(scene(1, 200, 200), "JPEG")
    assert describe_image(file[: len(file) // 2]) == ImageFacts("image/jpeg", 200, 200)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "no format that we know"),
        (b"<html><body>404</body></html>", "a web page"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"\xff\xd8\xff", "header of the JPEG image is damaged"),
        (b"\x89PNG\r\n\x1a\n", "header of the PNG image is damaged"),
        (file_of(quadrants(), "BMP"), "a BMP"),
        (file_of(quadrants(), "TIFF"), "a TIFF"),
        (file_of(quadrants(), "PPM"), "no format that we know"),
    ],
)
def test_what_is_no_accepted_image_is_named(data: bytes, reason: str) -> None:
    for read in (decode_image, describe_image):
        with pytest.raises(UnreadableImage, match=reason):
            read(data)


@pytest.mark.parametrize("side", [8_001, 9_800, 12_000, 60_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\x00" * 100))
    for read in (decode_image, describe_image):
        with pytest.raises(UnreadableImage, match=r"64 million.*scale it down"):
            read(file)


def test_a_file_of_too_many_bytes_is_refused_unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of(quadrants())
    monkeypatch.setattr(images, "MAX_BYTES", len(file))
    decode_image(file)
    monkeypatch.setattr(images, "MAX_BYTES", len(file) - 1)
    with pytest.raises(UnreadableImage, match="MiB"):
        decode_image(file)


@pytest.mark.parametrize("kind", FORMATS)
def test_changed_bytes_give_a_picture_or_a_refusal_and_nothing_else(kind: str) -> None:
    random = np.random.default_rng(7)
    exif = {} if kind == "GIF" else {"exif": _orientation(6)}
    file = file_of(scene(3, 40, 40), kind, **exif)
    refused = 0
    for _ in range(400):
        damaged = bytearray(file)
        for place in random.integers(0, len(file), random.integers(1, 6)):
            damaged[place] = random.integers(0, 256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                assert decode_image(bytes(damaged)).mode == "RGB"
                describe_image(bytes(damaged), verify=True)
            except UnreadableImage:
                refused += 1
    assert refused > 20


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def _pixels(image: Image.Image) -> list[tuple[int, int, int]]:
    return [tuple(int(value) for value in pixel) for pixel in np.asarray(image).reshape(-1, 3)]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
