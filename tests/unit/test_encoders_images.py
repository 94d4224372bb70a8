"""Every kind of file comes in as the RGB picture that a person sees, or is refused with the reason."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from encoder_pictures import QUADRANTS, file_of, quadrants, scene
from encoder_profiles import BLUE, GREEN, RED, cmyk_profile, grey_profile, matrix_profile
from PIL import Image, ImageCms, ImageOps

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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
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


def test_sixteen_bits_a_channel_are_scaled() -> None:
    rgb = struct.pack(">9H", 65535, 0, 0, 0, 32768, 0, 10, 20, 65280)
    assert _pixels(decode_image(png(3, 16, 2, rgb))) == [(255, 0, 0), (0, 128, 0), (0, 0, 255)]
    rgba = struct.pack(">8H", 65535, 0, 0, 65535, 65535, 0, 0, 0)
    assert _pixels(decode_image(png(2, 16, 6, rgba))) == [(255, 0, 0), (255, 255, 255)]
    grey = struct.pack(">4H", 51400, 65535, 51400, 0)
    assert _pixels(decode_image(png(2, 16, 4, grey))) == [(200, 200, 200), (255, 255, 255)]


@pytest.mark.parametrize(
    ("depth", "colour", "row", "transparent", "expected"),
    [
        (16, 0, struct.pack(">2H", 2560, 256), (256,), [10, 255]),
        (8, 0, bytes([10, 0]), (0,), [10, 255]),
        (1, 0, bytes([0b10000000]), (0,), [255, 255]),
        (1, 0, bytes([0b01000000]), (1,), [0, 255]),
        (8, 2, bytes([10, 10, 10, 0, 0, 0]), (0, 0, 0), [10, 255]),
    ],
)
def test_the_one_transparent_value_of_a_png_comes_white(
    depth: int, colour: int, row: bytes, transparent: tuple[int, ...], expected: list[int]
) -> None:
    file = png(2, depth, colour, row, _chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)))
    assert _pixels(decode_image(file)) == [(value,) * 3 for value in expected]


def test_inks_as_luminance_and_chroma_become_rgb() -> None:
    """A JPEG as Photoshop writes it: inverted inks, the first three as luminance and chroma (Adobe's transform 2)."""
    inks = tuple(255 - stored for stored in (180, 90, 200, 128))
    file = bytearray(file_of(Image.new("CMYK", (16, 16), inks), "JPEG", quality=100))
    marker = file.index(b"Adobe\x00")
    assert file[marker - 4 : marker - 2] == b"\xff\xee"
    file[marker + 11] = 2
    # Luminance 180 with chroma 90 and 200 is RGB 281, 142, 113 (JFIF 1.02), so the inverted inks are 0, 113 and 142,
    # and a black of 128 lets half of them through.
    assert max(abs(np.array(_pixels(decode_image(bytes(file)))[40]) - (0, 57, 71))) <= 2


def test_a_colour_profile_is_applied() -> None:
    exchanged = matrix_profile(GREEN, RED, BLUE, 2.2)
    for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
        assert corners(decode_image(file_of(quadrants(), kind, icc_profile=exchanged))) == [
            *("green", "red", "blue", "yellow")
        ]
    palette = quadrants().quantize(4)
    assert corners(decode_image(file_of(palette, icc_profile=exchanged))) == ["green", "red", "blue", "yellow"]


def test_a_profile_applies_under_transparency_and_a_turn() -> None:
    picture = Image.new("RGBA", (2, 1))
    picture.putdata([(255, 0, 0, 255), (255, 0, 0, 0)])
    exif = _orientation(3)
    file = file_of(picture, icc_profile=matrix_profile(GREEN, RED, BLUE, 2.2), exif=exif)
    white, green = _pixels(decode_image(file))
    assert white == (255, 255, 255)
    assert max(abs(np.array(green) - (0, 255, 0))) <= 3


def test_grey_and_ink_profiles_are_applied() -> None:
    linear = _pixels(decode_image(file_of(Image.new("L", (1, 1), 128), icc_profile=grey_profile(1.0))))
    assert max(abs(np.array(linear[0]) - 188)) <= 1
    ink = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    # L* 54, a* 81, b* 70 is the red of sRGB.
    file = file_of(ink, "JPEG", quality=100, icc_profile=cmyk_profile((138, 209, 198)))
    assert max(abs(np.array(_pixels(decode_image(file))[40]) - (255, 0, 0))) <= 6


def test_a_profile_of_srgb_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain, tagged = file_of(scene(2)), file_of(scene(2), icc_profile=srgb)
    assert _pixels(decode_image(plain)) == _pixels(decode_image(tagged))


@pytest.mark.parametrize("profile", [b"no profile", grey_profile(1.0), matrix_profile(GREEN, RED, BLUE, 2.2)[:200]])
def test_a_profile_that_does_not_fit_is_left_out(profile: bytes) -> None:
    assert corners(decode_image(file_of(quadrants(), icc_profile=profile))) == list(QUADRANTS)


def test_what_the_first_frame_of_a_gif_leaves_free_is_white() -> None:
    picture = Image.new("P", (2, 2), 1)
    picture.putpalette([200, 0, 0, 0, 0, 200])
    file = bytearray(file_of(picture, "GIF", optimize=False))
    # A canvas of 4 x 3, and the frame at 1, 1 of it (GIF89a, 18 and 20).
    file[6:10] = struct.pack("<2H", 4, 3)
    frame = file.index(b"\x2c" + struct.pack("<4H", 0, 0, 2, 2))
    file[frame + 1 : frame + 5] = struct.pack("<2H", 1, 1)
    pixels = np.asarray(decode_image(bytes(file)))
    assert pixels.shape == (3, 4, 3)
    inside = np.zeros((3, 4), dtype=bool)
    inside[1:3, 1:3] = True
    assert (pixels[inside] == (0, 0, 200)).all()
    assert (pixels[~inside] == 255).all()


def test_a_progressive_jpeg_is_read_small_too() -> None:
    file = file_of(quadrants(800, 800), "JPEG", progressive=True)
    image = decode_image(file, at_least=100)
    assert image.size == (100, 100)
    assert corners(image) == list(QUADRANTS)


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


def png(width: int, depth: int, colour: int, row: bytes, extra: bytes = b"") -> bytes:
    """A PNG one pixel high (PNG specification, 11.2): Pillow writes few of the kinds that it reads."""
    header = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    pixels = _chunk(b"IDAT", zlib.compress(b"\x00" + row))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + extra + pixels + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
