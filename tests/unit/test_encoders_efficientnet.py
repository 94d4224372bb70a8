"""The image encoder against a plain implementation without folding."""

import io

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from encoder_pictures import file_of, scene
from PIL import Image

from backend.encoders import efficientnet_lite0 as module
from backend.encoders.efficientnet_lite0 import EfficientNetLite0


@pytest.fixture(scope="module")
def plain() -> EfficientNet:
    torch.set_num_threads(1)
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(module.weights_file())).eval()


def reference(network: EfficientNet, file: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(file)).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
    pixels = (torch.tensor(np.array(picture), dtype=torch.float32) - 127) / 128
    with torch.no_grad():
        features = network.extract_features(pixels.permute(2, 0, 1)[None].contiguous())[0].mean((1, 2))
    return (features / features.norm()).numpy()


@pytest.mark.parametrize("size", [(60, 80), (300, 225), (224, 224)])
def test_rows_are_those_of_the_unfolded_network(
    efficientnet_lite0: EfficientNetLite0, plain: EfficientNet, size: tuple[int, int]
) -> None:
    files = [file_of(scene(seed, *size), "JPEG", quality=95) for seed in range(3)]
    rows = efficientnet_lite0.encode([efficientnet_lite0.prepare(file) for file in files])
    np.testing.assert_allclose(rows, [reference(plain, file) for file in files], atol=1e-5)


def test_a_large_photograph_decoded_small_is_near_to_its_full_decode(
    efficientnet_lite0: EfficientNetLite0, plain: EfficientNet
) -> None:
    file = file_of(scene(5, 2400, 3200), "JPEG", quality=90)
    row = efficientnet_lite0.encode([efficientnet_lite0.prepare(file)])[0]
    assert row @ reference(plain, file) > 0.99


def test_loading_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    module.load()
    assert capfd.readouterr() == ("", "")


def test_folding_leaves_no_normalisation_to_compute() -> None:
    network = module.folded_network()
    kinds = {type(part).__name__ for part in network.modules()}
    assert "BatchNorm2d" not in kinds
    assert not any(parameter.requires_grad for parameter in network.parameters())
