"""What an engine has to know of a model to run it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = tuple[NDArray[Any], ...]
# Arrays of one batch to (n, d) float32 rows; any number of threads may call it at once, and it holds no lock of
# Python's while it computes.
Run = Callable[..., NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Model:
    """A network apart from how it is run.

    ``reference`` loads it in torch, fp32: what every engine's rows are judged by. ``graph`` builds the same as an
    ``openvino.Model`` with its inputs in the same order. ``probe`` makes a few batches, small and typical, by which
    engines are timed. ``version`` is the encoder's.
    """

    name: str
    version: str
    reference: Callable[[], Run]
    graph: Callable[[], Any]
    probe: Callable[[], list[Inputs]]
