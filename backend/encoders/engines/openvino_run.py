"""A graph run by OpenVINO on the CPU."""

from queue import LifoQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.encoders.engines.model import Run
from backend.encoders.engines.openvino_library import load_openvino


def openvino_run(graph: Any, *, bf16: bool, at_once: int) -> Run:
    """``graph``, an ``openvino.Model`` or the path of one, compiled for ``at_once`` batches, each on one thread.

    With ``bf16`` multiplications are of bfloat16 numbers, their sums float32.
    """
    openvino: Any = load_openvino()
    compiled = openvino.Core().compile_model(
        graph,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
            "NUM_STREAMS": at_once,
            "INFERENCE_NUM_THREADS": at_once,
            # Every process that pins begins with the same cores, and then they share one.
            "ENABLE_CPU_PINNING": False,
        },
    )
    requests: LifoQueue[Any] = LifoQueue()
    for _ in range(at_once):
        requests.put(compiled.create_infer_request())

    def run(*inputs: NDArray[Any]) -> NDArray[np.float32]:
        request = requests.get()
        try:
            # Copied, because the next batch is written to the same memory.
            rows: NDArray[np.float32] = request.infer(inputs, share_inputs=True, share_outputs=True)[0].copy()
        finally:
            requests.put(request)
        return rows

    return run


def has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers itself."""
    openvino: Any = load_openvino()
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def cpu_name() -> str:
    """The CPU and what it computes with."""
    openvino: Any = load_openvino()
    core = openvino.Core()
    name = core.get_property("CPU", "FULL_DEVICE_NAME").strip()
    return f"{name} ({', '.join(sorted(core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')))})"
