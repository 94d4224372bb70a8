"""``resnet50``, ``densenet121`` and ``vgg16`` of torchvision: their last feature map, pooled over its positions.

Options: ``pooling`` average or max; ``fit`` squeeze (the whole picture, bilinear) or crop (the middle, exactly what
torchvision does before these networks); ``weights`` a file, instead of torch's cache.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.encoders.checkpoints import find_checkpoint, load_into, read_checkpoint
from backend.encoders.engines import Runtime
from backend.encoders.names import EncoderName
from backend.encoders.network_images import Colours, NetworkImages, open_network
from backend.encoders.pictures import Frame
from backend.encoders.protocols import EncoderSpec
from backend.encoders.weights import fingerprint

RECIPE = 1
SIDE = 224
# Of ImageNet's colours (torchvision/transforms/_presets.py, ImageClassification).
COLOURS = Colours(mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225))
# The shorter side before the crop; only the second training of ResNet50 was tested with another.
SHORTEST = 256
SHORTEST_OF = {"resnet50-11ad3fa6.pth": 232}


@dataclass(frozen=True, slots=True)
class Network:
    """``files`` are torchvision's names for its weights, the first that is there is taken; ``head`` is not used."""

    dimensions: int
    pooling: str
    files: tuple[str, ...]
    head: str


# The prototypes took ResNet50's first weights, and the largest response of the others.
NETWORKS = {
    "resnet50": Network(2048, "average", ("resnet50-0676ba61.pth", "resnet50-11ad3fa6.pth"), "fc."),
    "densenet121": Network(1024, "max", ("densenet121-a639ec97.pth",), "classifier."),
    "vgg16": Network(512, "max", ("vgg16-397923af.pth",), "classifier."),
}


def describe(name: EncoderName) -> EncoderSpec:
    """The encoder without loading it.

    Raises:
        WeightsMissing: its weights are not on this machine.
    """
    network = NETWORKS[name.base]
    path = _weights(name)
    shortest = _shortest(name, path)
    recipe = f"{RECIPE}-{_pooling(name)}-{'squeeze' if shortest is None else f'crop{shortest}'}"
    return EncoderSpec(str(name), network.dimensions, fingerprint(recipe, [path]))


def load(name: EncoderName, runtime: Runtime | None = None) -> NetworkImages:
    """The network on the CPU, for inference. Without a ``runtime`` it runs in torch, fp32.

    Raises:
        ConfigurationError: the engine that ``runtime`` asks for cannot run here.
        WeightsMissing: its weights are not on this machine, damaged, or those of another network.
    """
    spec, path, pooling = describe(name), _weights(name), _pooling(name)
    frame = Frame(SIDE, _shortest(name, path))
    title = f"{name.base} {pooling}"
    return open_network(spec, title, lambda: _network(name.base, path, pooling), COLOURS, frame, runtime or Runtime())


def _network(base: str, path: Path, pooling: str) -> Any:
    """The network with its weights, without its classifier, as a torch module."""
    import torch
    from torchvision import models

    # On the meta device nothing is drawn at random that the weights replace, and VGG16's classifier takes no memory.
    with torch.device("meta"):
        whole = models.get_model(base, weights=None)
        if base == "resnet50":
            # Its forward pass is its children in their order, then flattened.
            parts = {part: child for part, child in whole.named_children() if part not in ("avgpool", "fc")}
        else:
            parts = {"features": whole.features}
        if base == "densenet121":
            parts["relu"] = torch.nn.ReLU(inplace=True)
        network = torch.nn.Sequential()
        for part, child in parts.items():
            network.add_module(part, child)
    load_into(network, _present_names(read_checkpoint(path, base)), path, base, (NETWORKS[base].head,))
    pool = torch.nn.AdaptiveMaxPool2d(1) if pooling == "max" else torch.nn.AdaptiveAvgPool2d(1)
    network.add_module("pool", pool)
    network.add_module("flat", torch.nn.Flatten())
    return network.to(memory_format=torch.channels_last)


def _present_names(state: dict[str, Any]) -> dict[str, Any]:
    # DenseNet's published file is from when modules could be called "norm.1"; they are "norm1" now.
    present = {}
    for key, value in state.items():
        layer, dot, rest = key.rpartition("denselayer")
        for kind in ("norm", "conv") if dot else ():
            rest = rest.replace(f".{kind}.1.", f".{kind}1.").replace(f".{kind}.2.", f".{kind}2.")
        present[layer + dot + rest] = value
    return present


def _pooling(name: EncoderName) -> str:
    return name.option("pooling", NETWORKS[name.base].pooling)


def _shortest(name: EncoderName, path: Path) -> int | None:
    return SHORTEST_OF.get(path.name, SHORTEST) if name.option("fit", "squeeze") == "crop" else None


def _weights(name: EncoderName) -> Path:
    return find_checkpoint(name.base, name.option("weights", "") or None, NETWORKS[name.base].files)
