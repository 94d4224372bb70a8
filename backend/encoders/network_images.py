"""What image encoders that are a network of torch share: pixels to the network's input, batches side by side."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.engines import Inputs, Model, Run, Runtime
from backend.encoders.lanes import Lanes
from backend.encoders.pictures import Frame
from backend.encoders.protocols import Described, EncoderSpec
from backend.encoders.unit import unit_rows

# Images in one forward pass: what it holds then stays in the cache (decision 0003).
BATCH = 2


@dataclass(frozen=True, slots=True)
class Colours:
    """What is taken from the values of red, green and blue (0 to 1), and what they are divided by then."""

    mean: Sequence[float]
    deviation: Sequence[float]


class NetworkImages(Described):
    """A loaded network; one copy serves all threads."""

    def __init__(self, spec: EncoderSpec, run: Run, frame: Frame, lanes: Lanes) -> None:
        super().__init__(spec)
        self._run, self._frame, self._lanes = run, frame, lanes

    def prepare(self, data: bytes) -> NDArray[np.uint8]:
        """See ``ImageEncoder.prepare``."""
        return self._frame.prepare(data)

    def encode(self, prepared: Sequence[NDArray[np.uint8]], *, normalized: bool = True) -> NDArray[np.float32]:
        """See ``ImageEncoder.encode``."""
        batches = [prepared[start : start + BATCH] for start in range(0, len(prepared), BATCH)]
        none = np.zeros((0, self.dimensions), dtype=np.float32)
        rows = np.concatenate([none, *self._lanes.map(lambda batch: self._run(np.stack(batch)), batches)])
        return unit_rows(rows) if normalized else rows

    def warm_up(self) -> None:
        """Encode one white image."""
        self.encode([np.full((self._frame.side, self._frame.side, 3), 255, dtype=np.uint8)])


def open_network(
    spec: EncoderSpec,
    title: str,
    network: Callable[[], Any],
    colours: Colours,
    frame: Frame,
    runtime: Runtime,
    *,
    converting: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> NetworkImages:
    """The encoder of ``network``, which loads a torch module of float32 (n, 3, side, side) to (n, dimensions).

    ``title`` is what the engines keep the model under. The module is converted for OpenVINO inside ``converting``.

    Raises:
        ConfigurationError: the engine that ``runtime`` asks for cannot run here.
        WeightsMissing: ``network`` raised it.
    """

    def reference() -> Run:
        return _torch_run(_with_colours(network(), colours))

    def graph() -> Any:
        module = _with_colours(network(), colours)
        with converting():
            return _openvino_graph(module, frame.side)

    def probe() -> list[Inputs]:
        random = np.random.default_rng(0)
        return [(random.integers(0, 256, (BATCH, frame.side, frame.side, 3), dtype=np.uint8),) for _ in range(4)]

    run = runtime.open(Model(title, spec.version, reference, graph, probe), runtime.image)
    return NetworkImages(spec, run, frame, runtime.lanes)


def _with_colours(network: Any, colours: Colours) -> Any:
    """A module of uint8 pixels (n, side, side, 3), whose first step is the scaling of the colours."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            # (value / 255 - mean) / deviation in one multiplication and one addition a pixel.
            spread = 255 * torch.tensor(colours.deviation).reshape(1, 3, 1, 1)
            self.factor = 1 / spread
            self.offset = -255 * torch.tensor(colours.mean).reshape(1, 3, 1, 1) / spread
            self.network = network

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            # (n, side, side, 3) seen as (n, 3, side, side) is channels-last already, the layout that is fastest here.
            rows: torch.Tensor = self.network(pixels.permute(0, 3, 1, 2).to(torch.float32) * self.factor + self.offset)
            return rows

    return Whole().eval().requires_grad_(False)


def _torch_run(module: Any) -> Run:
    import torch

    def run(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            rows: NDArray[np.float32] = module(torch.from_numpy(pixels)).numpy()
        return rows

    return run


def _openvino_graph(module: Any, side: int) -> Any:
    import torch

    from backend.encoders.engines.openvino_library import load_openvino

    openvino: Any = load_openvino()
    example = torch.zeros((BATCH, side, side, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        # Its converter uses torch.jit.trace, which warns that it is deprecated, and at branches on shapes; those are
        # fixed here but for the number of images.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]  # Not listed, but there.
        return openvino.convert_model(module, example_input=example, input=[(-1, side, side, 3)])
