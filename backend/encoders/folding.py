"""Makes an EfficientNet run faster without changing what it computes (up to rounding)."""

from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Which normalisation follows which convolution (efficientnet_lite_pytorch/model.py).
_IN_NETWORK = (("_conv_stem", "_bn0"), ("_conv_head", "_bn1"))
_IN_BLOCK = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))


def fold_for_inference(network: Any) -> None:
    """Change ``network``, an ``efficientnet_lite_pytorch.EfficientNet``, in place; it can not be trained afterwards.

    Each batch normalisation becomes part of the convolution before it, symmetric zero padding becomes the
    convolution's own, activations overwrite their input, and weights lie channels-last.
    """
    network.eval()
    network.requires_grad_(False)
    for conv, norm in _IN_NETWORK:
        _fold(network, conv, norm)
    for block in network._blocks:  # noqa: SLF001 - the package has no public name for them
        for conv, norm in _IN_BLOCK:
            # The first block expands nothing, so it has no _expand_conv and no _bn0.
            if hasattr(block, conv):
                _fold(block, conv, norm)
    for module in network.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = True
    network.to(memory_format=torch.channels_last)


def _fold(parent: nn.Module, conv: str, norm: str) -> None:
    fused: Any = fuse_conv_bn_eval(getattr(parent, conv), getattr(parent, norm))
    padding = fused.static_padding
    if isinstance(padding, nn.ZeroPad2d):
        left, right, top, bottom = padding.padding
        if left == right and top == bottom:
            fused.padding = (top, left)
            fused.static_padding = nn.Identity()
    setattr(parent, conv, fused)
    setattr(parent, norm, nn.Identity())
