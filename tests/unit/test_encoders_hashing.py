"""The test encoders: the same everywhere, and near what is similar."""

import os
import subprocess
import sys

import numpy as np
import pytest
from encoder_pictures import file_of, quadrants, scene
from PIL import Image

from backend.encoders.hashing import HashingImage, HashingText

PRINT = """
import sys
import numpy as np
from backend.encoders.hashing import HashingImage, HashingText
text = HashingText(16).encode(["red linen dress"])
image = HashingImage(16).encode([np.arange(224 * 224 * 3, dtype=np.uint32).reshape(224, 224, 3).astype(np.uint8)])
sys.stdout.write((text.tobytes() + image.tobytes()).hex())
"""


def test_vectors_are_the_same_in_every_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PRINT], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) == 2 * 2 * 16 * 4


def test_texts_that_share_words_are_nearer() -> None:
    rows = HashingText().encode(
        ["Blue cotton shirt", "blue COTTON shirts", "Blue denim shirt", "Steel watch with black dial"]
    )
    near, middle, far = rows[1:] @ rows[0]
    assert near > middle > far
    assert near > 0.7
    assert far < 0.4


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_no_text_with_letters_vanishes_in_few_dimensions(dimensions: int) -> None:
    rows = HashingText(dimensions).encode([f"word {number}" for number in range(500)])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)


def test_pictures_that_look_alike_are_nearer() -> None:
    encoder = HashingImage()
    picture = scene(1)
    files = [
        file_of(picture),
        file_of(picture.resize((120, 160)), "JPEG", quality=80),
        file_of(scene(2)),
        file_of(quadrants()),
    ]
    rows = encoder.encode([encoder.prepare(file) for file in files])
    same, other, different = rows[1:] @ rows[0]
    assert same > 0.98
    assert same > other + 0.02
    assert other > different


@pytest.mark.parametrize("colour", ["black", "white", (128, 128, 128), (127, 127, 127)])
def test_a_picture_of_one_colour_has_a_vector(colour: object) -> None:
    encoder = HashingImage(7)
    row = encoder.encode([encoder.prepare(file_of(Image.new("RGB", (5, 5), colour)))])[0]
    assert abs(np.linalg.norm(row) - 1) < 1e-3
