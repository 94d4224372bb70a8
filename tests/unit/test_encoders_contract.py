"""What every encoder keeps of the protocols."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pytest
from encoder_pictures import file_of, scene

from backend.encoders import (
    ImageEncoder,
    TextEncoder,
    describe_image_encoder,
    describe_text_encoder,
    load_image_encoder,
    load_text_encoder,
)

Batch = TypeVar("Batch")

TEXTS = [
    "Blue cotton shirt for men",
    "A",
    "Red shirt",
    "Leather wallet with coin pocket. " * 8,
    "Women's running shoes, size 38",
    "Ünïcödé: 東京 ✨",
    "Red shirt",
    "!?",
]


@pytest.fixture(scope="session", params=["minilm", "hashing", "hashing:7"])
def text_encoder(request: pytest.FixtureRequest) -> TextEncoder:
    return request.getfixturevalue("minilm") if request.param == "minilm" else load_text_encoder(request.param)


@pytest.fixture(scope="session", params=["efficientnet-lite0", "hashing", "hashing:7"])
def image_encoder(request: pytest.FixtureRequest) -> ImageEncoder:
    if request.param == "efficientnet-lite0":
        return request.getfixturevalue("efficientnet_lite0")
    return load_image_encoder(request.param)


@pytest.fixture(scope="session")
def pictures() -> list[bytes]:
    return [file_of(scene(seed)) for seed in range(11)]


def test_text_rows_are_unit_float32(text_encoder: TextEncoder) -> None:
    rows = text_encoder.encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (len(TEXTS), text_encoder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)


def test_a_text_has_the_same_row_alone_as_in_a_batch(text_encoder: TextEncoder) -> None:
    together = text_encoder.encode(TEXTS)
    for text, row in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(text_encoder.encode([text])[0], row, atol=1e-5)
    assert not np.allclose(together[0], together[4], atol=1e-2)


@pytest.mark.parametrize("blank", ["", "   ", "\n\t\u3000"])
def test_a_blank_text_is_a_missing_modality(text_encoder: TextEncoder, blank: str) -> None:
    rows = text_encoder.encode(["shirt", blank, "shoe"])
    assert not rows[1].any()
    np.testing.assert_allclose(rows[[0, 2]], text_encoder.encode(["shirt", "shoe"]), atol=1e-5)


def test_no_texts_give_no_rows(text_encoder: TextEncoder) -> None:
    assert text_encoder.encode([]).shape == (0, text_encoder.dimensions)


def test_texts_from_eight_threads_are_as_from_one(text_encoder: TextEncoder) -> None:
    batches = [[*TEXTS[start:], f"number {start}"] for start in range(8)]
    _same_from_eight_threads(text_encoder.encode, batches)


def test_image_rows_are_unit_float32(image_encoder: ImageEncoder, pictures: list[bytes]) -> None:
    rows = image_encoder.encode([image_encoder.prepare(picture) for picture in pictures])
    assert rows.dtype == np.float32
    assert rows.shape == (len(pictures), image_encoder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)


def test_an_image_has_the_same_row_alone_as_in_a_batch(image_encoder: ImageEncoder, pictures: list[bytes]) -> None:
    prepared = [image_encoder.prepare(picture) for picture in pictures]
    together = image_encoder.encode(prepared)
    for pixels, row in zip(prepared, together, strict=True):
        np.testing.assert_allclose(image_encoder.encode([pixels])[0], row, atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-2)


def test_no_images_give_no_rows(image_encoder: ImageEncoder) -> None:
    assert image_encoder.encode([]).shape == (0, image_encoder.dimensions)


def test_prepared_pixels_are_square_rgb(image_encoder: ImageEncoder, pictures: list[bytes]) -> None:
    pixels = image_encoder.prepare(pictures[0])
    assert pixels.dtype == np.uint8
    assert pixels.shape == (224, 224, 3)


def test_encoding_leaves_the_prepared_pixels_alone(image_encoder: ImageEncoder, pictures: list[bytes]) -> None:
    pixels = image_encoder.prepare(pictures[0]).copy()
    before = pixels.copy()
    image_encoder.encode([pixels])
    np.testing.assert_array_equal(pixels, before)


def test_images_from_eight_threads_are_as_from_one(image_encoder: ImageEncoder, pictures: list[bytes]) -> None:
    def encode(batch: list[bytes]) -> np.ndarray:
        return image_encoder.encode([image_encoder.prepare(picture) for picture in batch])

    _same_from_eight_threads(encode, [pictures[start : start + 2] for start in range(9)])


def test_an_encoder_is_what_its_description_says(text_encoder: TextEncoder, image_encoder: ImageEncoder) -> None:
    assert describe_text_encoder(text_encoder.name) == text_encoder.spec
    assert describe_image_encoder(image_encoder.name) == image_encoder.spec
    text_encoder.warm_up()
    image_encoder.warm_up()


def _same_from_eight_threads(encode: Callable[[Batch], np.ndarray], batches: list[Batch]) -> None:
    serial = [encode(batch) for batch in batches]
    with ThreadPoolExecutor(8) as threads:
        for row, expected in zip(threads.map(encode, batches), serial, strict=True):
            np.testing.assert_allclose(row, expected, atol=1e-5)
