"""What every encoder keeps of the protocols."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from encoder_models import (
    clip_directory,
    distilbert_directory,
    sentence_transformer_directory,
)
from encoder_pictures import file_of, scene

from backend.encoders import (
    ImageEncoder,
    TextEncoder,
    describe_image_encoder,
    describe_text_encoder,
    fit_text_encoder,
    load_image_encoder,
    load_text_encoder,
    needs_fitting,
)
from backend.encoders.engines import Runtime
from backend.encoders.lanes import Lanes

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


# Those that find nothing in a text of which they know no word: their row is zero then, as of a blank one.
FITTED_ON = [
    f"{colour} {thing} for {person}"
    for colour in ("Red", "Blue")
    for thing in ("shirt", "shoes")
    for person in ("men", "women")
]
UNKNOWN_TO_FITTED = {"A", "!?", "Leather wallet with coin pocket. " * 8, "Ünïcödé: 東京 ✨"}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of models that are made here."""
    directory = tmp_path_factory.mktemp("models")
    distilbert_directory(directory / "distilbert", layers=1)
    sentence_transformer_directory(directory / "sentence", directory / "distilbert", dense=48)
    clip_directory(directory / "clip")
    return directory


@pytest.fixture(scope="session")
def fitted_state() -> bytes:
    return fit_text_encoder("tfidf?dimensions=4", FITTED_ON)[1]


@pytest.fixture(
    scope="session",
    params=[
        "minilm",
        "hashing",
        "hashing:7",
        "distilbert:MODELS/distilbert",
        "sentence-transformer:MODELS/sentence",
        "clip:MODELS/clip",
        "tfidf?dimensions=4",
    ],
)
def text_encoder(request: pytest.FixtureRequest, models: Path, fitted_state: bytes) -> TextEncoder:
    if request.param == "minilm":
        return request.getfixturevalue("minilm")
    name = request.param.replace("MODELS", str(models))
    return load_text_encoder(name, fitted_state if needs_fitting(name) else None)


@pytest.fixture(
    scope="session",
    params=[
        "efficientnet-lite0",
        "hashing",
        "hashing:7",
        "clip:MODELS/clip",
    ],
)
def image_encoder(request: pytest.FixtureRequest, models: Path) -> ImageEncoder:
    if request.param == "efficientnet-lite0":
        return request.getfixturevalue("efficientnet_lite0")
    return load_image_encoder(request.param.replace("MODELS", str(models)))


@pytest.fixture(scope="session")
def pictures() -> list[bytes]:
    return [file_of(scene(seed)) for seed in range(11)]


def test_text_rows_are_unit_float32(text_encoder: TextEncoder) -> None:
    rows = text_encoder.encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (len(TEXTS), text_encoder.dimensions)
    unknown = UNKNOWN_TO_FITTED if needs_fitting(text_encoder.name) else set()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [text not in unknown for text in TEXTS], atol=1e-3)


def test_raw_rows_have_the_direction_of_the_unit_ones(text_encoder: TextEncoder) -> None:
    raw, unit = text_encoder.encode(TEXTS, normalized=False), text_encoder.encode(TEXTS)
    assert raw.dtype == np.float32
    np.testing.assert_allclose(raw, unit * np.linalg.norm(raw, axis=1, keepdims=True), rtol=1e-4, atol=1e-5)
    assert not text_encoder.encode([" "], normalized=False).any()


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


def test_raw_image_rows_have_the_direction_of_the_unit_ones(image_encoder: ImageEncoder, pictures: list[bytes]) -> None:
    prepared = [image_encoder.prepare(picture) for picture in pictures[:3]]
    raw, unit = image_encoder.encode(prepared, normalized=False), image_encoder.encode(prepared)
    assert raw.dtype == np.float32
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(raw / lengths, unit, atol=1e-5)
    assert (abs(lengths - 1) > 0.01).any()


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
    assert pixels.shape == ((32, 32, 3) if image_encoder.name.startswith("clip") else (224, 224, 3))


def test_encoding_leaves_the_prepared_pixels_alone(image_encoder: ImageEncoder, pictures: list[bytes]) -> None:
    pixels = image_encoder.prepare(pictures[0]).copy()
    before = pixels.copy()
    image_encoder.encode([pixels])
    np.testing.assert_array_equal(pixels, before)


def test_images_from_eight_threads_are_as_from_one(image_encoder: ImageEncoder, pictures: list[bytes]) -> None:
    def encode(batch: list[bytes]) -> np.ndarray:
        return image_encoder.encode([image_encoder.prepare(picture) for picture in batch])

    _same_from_eight_threads(encode, [pictures[start : start + 2] for start in range(9)])


def test_a_text_encoder_is_what_its_description_says(text_encoder: TextEncoder, fitted_state: bytes) -> None:
    state = fitted_state if needs_fitting(text_encoder.name) else None
    assert describe_text_encoder(text_encoder.name, state) == text_encoder.spec
    text_encoder.warm_up()


def test_an_image_encoder_is_what_its_description_says(image_encoder: ImageEncoder) -> None:
    assert describe_image_encoder(image_encoder.name) == image_encoder.spec
    image_encoder.warm_up()


def test_loading_prints_nothing(models: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("distilbert:MODELS/distilbert", "sentence-transformer:MODELS/sentence", "clip:MODELS/clip"):
        load_text_encoder(name.replace("MODELS", str(models)))
    load_image_encoder(f"clip:{models}/clip")
    assert capfd.readouterr() == ("", "")


def test_loading_asks_no_network(models: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(models)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


LOAD = """
import socket
import sys

def refuse(*arguments, **options):
    raise SystemExit("the network was asked")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = socket.getaddrinfo = refuse
from backend.encoders import load_image_encoder, load_text_encoder
from backend.errors import WeightsMissing
models = sys.argv[1]
for name in (f"distilbert:{models}/distilbert", f"sentence-transformer:{models}/sentence", f"clip:{models}/clip"):
    load_text_encoder(name).encode(["shirt"])
load_image_encoder(f"clip:{models}/clip")
for load, name in (
    (load_text_encoder, "distilbert"),
    (load_text_encoder, "sentence-transformer:no-such/model"),
    (load_image_encoder, "clip:no-such-model"),
    (load_image_encoder, "vgg16?weights=/no/such/file"),
):
    try:
        load(name)
    except WeightsMissing:
        continue
    raise SystemExit(name)
"""


def test_encoders_share_the_lanes_of_their_runtime(models: Path) -> None:
    runtime = Runtime(lanes=Lanes(1))
    for name in ("distilbert:MODELS/distilbert", "sentence-transformer:MODELS/sentence", "clip:MODELS/clip"):
        assert load_text_encoder(name.replace("MODELS", str(models)), runtime=runtime)._lanes is runtime.lanes
    assert load_image_encoder(f"clip:{models}/clip", runtime=runtime)._lanes is runtime.lanes


def _same_from_eight_threads(encode: Callable[[Batch], np.ndarray], batches: list[Batch]) -> None:
    serial = [encode(batch) for batch in batches]
    with ThreadPoolExecutor(8) as threads:
        for row, expected in zip(threads.map(encode, batches), serial, strict=True):
            np.testing.assert_allclose(row, expected, atol=1e-5)
