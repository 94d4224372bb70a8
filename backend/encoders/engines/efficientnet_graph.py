"""An EfficientNet-Lite as an OpenVINO graph, built from the folded torch network: no tracing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.engines.openvino_library import load_openvino


def efficientnet_graph(network: Any, *, side: int, mean: float, scale: float) -> Any:
    """An ``openvino.Model`` from ``pixels``, uint8 (n, side, side, 3), to the mean (n, channels) of the last feature
    map over its places. A pixel enters as (value - ``mean``) / ``scale``.

    ``network`` has been through ``backend.encoders.folding.fold_for_inference``.
    """
    openvino: Any = load_openvino()
    op = openvino.opset13
    pixels = op.parameter([-1, side, side, 3], np.uint8, "pixels")
    values = op.convert(op.transpose(pixels, np.array([0, 3, 1, 2], dtype=np.int64)), "f32")
    values = op.divide(op.subtract(values, op.constant(np.float32(mean))), op.constant(np.float32(scale)))
    rows = _active(op, _convolved(op, values, network._conv_stem))  # noqa: SLF001 - the package has no public names
    for block in network._blocks:  # noqa: SLF001 - likewise
        rows = _block(op, rows, block)
    rows = _active(op, _convolved(op, rows, network._conv_head))  # noqa: SLF001 - likewise
    return openvino.Model([op.reduce_mean(rows, np.array([2, 3]), False)], [pixels], "efficientnet")


def _block(op: Any, rows: Any, block: Any) -> Any:
    """Mobile inverted bottleneck (Sandler et al. 2018) as ``MBConvBlock.forward`` of the package runs it."""
    wide = rows
    if hasattr(block, "_expand_conv"):
        wide = _active(op, _convolved(op, wide, block._expand_conv))  # noqa: SLF001 - likewise
    wide = _active(op, _convolved(op, wide, block._depthwise_conv))  # noqa: SLF001 - likewise
    narrow = _convolved(op, wide, block._project_conv)  # noqa: SLF001 - likewise
    shape = block._block_args  # noqa: SLF001 - likewise
    keeps = block.id_skip and shape.stride == 1 and shape.input_filters == shape.output_filters
    return op.add(narrow, rows) if keeps else narrow


def _convolved(op: Any, rows: Any, module: Any) -> Any:
    weight: NDArray[np.float32] = module.weight.detach().contiguous().numpy()
    # Uneven padding stands beside the convolution as ZeroPad2d (left, right, top, bottom); even padding inside it.
    left, right, top, bottom = getattr(
        module.static_padding, "padding", (module.padding[1],) * 2 + (module.padding[0],) * 2
    )
    places = (list(module.stride), [top, left], [bottom, right], [1, 1])
    if module.groups == 1:
        product = op.convolution(rows, op.constant(weight), *places)
    else:
        # (groups, outputs of a group, inputs of a group, height, width)
        apart = weight.reshape(module.groups, -1, *weight.shape[1:])
        product = op.group_convolution(rows, op.constant(apart), *places)
    return op.add(product, op.constant(module.bias.detach().numpy().reshape(1, -1, 1, 1)))


def _active(op: Any, rows: Any) -> Any:
    return op.clamp(rows, 0.0, 6.0)
