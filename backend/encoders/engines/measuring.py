"""Which engine is the fastest here."""

import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

from backend.encoders.engines.model import Inputs, Run
from backend.encoders.lanes import Lanes

Name = TypeVar("Name", bound=str)

ROUNDS = 3
# A less exact engine, or one that is slower to start, must be worth it.
ADVANTAGE = 1.15


def fastest(runs: Mapping[Name, Run], probe: Sequence[Inputs], lanes: Lanes) -> tuple[Name, dict[str, float]]:
    """The first of ``runs``, preferred ones first, that none beats by ``ADVANTAGE``; and the milliseconds of each.

    A figure is the least processor time of ``ROUNDS`` that ``probe`` takes, every lane with one thread: what other
    processes do at that moment says nothing of the engines. These take turns all the same.
    """
    times = {name: [_milliseconds(run, probe, lanes)] for name, run in runs.items()}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(_milliseconds(run, probe, lanes))
    # The first round also pays for memory and compiled kernels.
    least = {name: min(values[1:]) for name, values in times.items()}
    bar = min(least.values()) * ADVANTAGE
    return next(name for name in runs if least[name] <= bar), {str(name): value for name, value in least.items()}


def _milliseconds(run: Run, probe: Sequence[Inputs], lanes: Lanes) -> float:
    start = time.process_time()
    lanes.map(lambda inputs: run(*inputs), probe)
    return (time.process_time() - start) * 1000
