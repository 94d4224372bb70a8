"""Both towers of a CLIP against transformers' CLIPModel."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_models import clip_directory
from encoder_pictures import file_of, scene
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from backend.encoders import (
    describe_image_encoder,
    describe_text_encoder,
    load_image_encoder,
    load_text_encoder,
)
from backend.encoders.engines import Runtime
from backend.errors import WeightsMissing

TEXTS = ["navy blue shirt", "a steel bottle, 2 litres", "running shoes " * 40]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_directory(tmp_path_factory.mktemp("models") / "clip")


@pytest.fixture(scope="module")
def model(directory: Path) -> CLIPModel:
    return CLIPModel.from_pretrained(directory).eval()


def test_text_rows_are_those_of_the_model(directory: Path, model: CLIPModel) -> None:
    tokens = CLIPTokenizer.from_pretrained(directory)(
        TEXTS, padding=True, truncation=True, max_length=77, return_tensors="pt"
    )
    with torch.no_grad():
        expected = model.get_text_features(**tokens).pooler_output.numpy()
    encoder = load_text_encoder(f"clip:{directory}")
    assert encoder.dimensions == 24
    np.testing.assert_allclose(encoder.encode(TEXTS, normalized=False), expected, atol=1e-5)
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("fit", ["crop", "squeeze"])
def test_image_rows_are_those_of_the_model(directory: Path, model: CLIPModel, fit: str) -> None:
    files = [file_of(scene(seed, *size)) for seed, size in enumerate([(60, 80), (300, 225), (32, 32), (100, 33)])]
    pictures = [Image.open(io.BytesIO(file)).convert("RGB") for file in files]
    if fit == "squeeze":
        pictures = [picture.resize((32, 32), Image.Resampling.BICUBIC) for picture in pictures]
    inputs = CLIPImageProcessorPil.from_pretrained(directory)(pictures, return_tensors="pt")
    with torch.no_grad():
        expected = model.get_image_features(**inputs).pooler_output.numpy()
    encoder = load_image_encoder(f"clip:{directory}?fit={fit}")
    assert encoder.dimensions == 24
    rows = encoder.encode([encoder.prepare(file) for file in files], normalized=False)
    np.testing.assert_allclose(rows, expected, atol=1e-4)


def test_image_rows_are_the_same_in_openvino(
    directory: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    reference = load_image_encoder(f"clip:{directory}")
    converted = load_image_encoder(f"clip:{directory}", runtime=Runtime(image="openvino", home=tmp_path))
    assert capfd.readouterr() == ("", "")
    pixels = [reference.prepare(file_of(scene(seed))) for seed in range(3)]
    np.testing.assert_allclose(converted.encode(pixels), reference.encode(pixels), atol=1e-5)
    assert converted.spec == reference.spec


def test_both_towers_say_that_they_share_a_space(directory: Path, tmp_path: Path) -> None:
    name = f"clip:{directory}"
    text, image = describe_text_encoder(name), describe_image_encoder(name)
    assert text.joint is not None
    assert text.joint == image.joint == describe_image_encoder(f"{name}?fit=squeeze").joint
    assert image.version != describe_image_encoder(f"{name}?fit=squeeze").version
    shutil.copytree(directory, tmp_path / "other")
    with (tmp_path / "other" / "config.json").open("a") as file:
        file.write("\n")
    assert describe_image_encoder(f"clip:{tmp_path}/other").joint != text.joint
    assert describe_text_encoder("hashing").joint is None


def test_texts_meet_images_as_in_the_model(directory: Path, model: CLIPModel) -> None:
    files = [file_of(scene(seed)) for seed in range(3)]
    tokens = CLIPTokenizer.from_pretrained(directory)(
        TEXTS, padding=True, truncation=True, max_length=77, return_tensors="pt"
    )
    pictures = [Image.open(io.BytesIO(file)).convert("RGB") for file in files]
    inputs = CLIPImageProcessorPil.from_pretrained(directory)(pictures, return_tensors="pt")
    with torch.no_grad():
        expected = (model(**tokens, **inputs).logits_per_text / model.logit_scale.exp()).numpy()
    texts, images = load_text_encoder(f"clip:{directory}"), load_image_encoder(f"clip:{directory}")
    found = texts.encode(TEXTS) @ images.encode([images.prepare(file) for file in files]).T
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_directory_of_sentence_transformers_is_read(directory: Path, tmp_path: Path) -> None:
    shutil.copytree(directory, tmp_path / "0_CLIPModel")
    (tmp_path / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "x"}]))
    expected = load_text_encoder(f"clip:{directory}").encode(TEXTS)
    np.testing.assert_array_equal(load_text_encoder(f"clip:{tmp_path}").encode(TEXTS), expected)


def test_models_that_cannot_be_used_say_why(directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(directory, copy)
    (copy / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsMissing, match="cannot be used as clip: it cannot be read"):
        load_image_encoder(f"clip:{copy}")
    load_text_encoder(f"clip:{copy}")
    (copy / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsMissing, match="cannot be used as clip: it cannot be read"):
        load_text_encoder(f"clip:{copy}")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "siglip"}))
    with pytest.raises(WeightsMissing, match="model_type 'siglip'"):
        describe_text_encoder(f"clip:{copy}")
    with pytest.raises(WeightsMissing, match=r"`hf download nowhere/clip` .*clip:/path"):
        load_text_encoder("clip:nowhere/clip")
