"""One training in several processes, as ``torchrun`` starts them: the same result as in one, within rounding.

Every process sees the same global batches and computes its share of each one's rows. What depends on the whole batch is
taken over all of it: the loss is divided by the global weight, batch norm's statistics are summed over the processes,
and dropout is drawn for the global batch and cut (``layers.py``). Gradients are averaged by DistributedDataParallel.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class World:
    """This process's number, from 0, among the ``size`` that train together."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process is the one that prints, writes files and the database."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """The rows of a global batch that this process computes; empty where there are fewer rows than processes."""
        return slice(self.rank * rows // self.size, (self.rank + 1) * rows // self.size)


@contextmanager
def joined() -> Iterator[World]:
    """Join the processes that ``torchrun`` started, if it did; alone otherwise. Left at the end.

    Over NCCL where there are GPUs, one a process, and over gloo on CPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World()
        return
    place = device()
    if place.type != "cpu":
        torch.accelerator.set_device_index(place.index)
    dist.init_process_group(dist.get_default_backend_for_device(place))
    try:
        yield world()
    finally:
        dist.destroy_process_group()


def world() -> World:
    """The processes that were joined; one alone when none were."""
    if dist.is_available() and dist.is_initialized():
        return World(dist.get_rank(), dist.get_world_size())
    return World()


def device() -> torch.device:
    """Where this process computes: its own GPU (or other accelerator) where there is one, else the CPU."""
    if not torch.accelerator.is_available():
        return torch.device("cpu")
    kind = torch.accelerator.current_accelerator()
    assert kind is not None
    return torch.device(kind.type, int(os.environ.get("LOCAL_RANK", "0")) % torch.accelerator.device_count())


def wrapped(network: nn.Module) -> nn.Module:
    """``network`` with gradients averaged over the processes; itself where there is one."""
    if world().size == 1:
        return network
    return nn.parallel.DistributedDataParallel(network)


def summed(values: Tensor) -> Tensor:
    """``values`` added up over the processes; gradients flow back to all of them."""
    return values if world().size == 1 else _Sum.apply(values)


def collected(rows: Tensor, share: slice, total: int) -> Tensor:
    """(total, ...) rows of all processes, of which this one computed ``rows``, those of ``share``."""
    if world().size == 1:
        return rows
    whole = torch.zeros((total, *rows.shape[1:]), dtype=rows.dtype, device=rows.device)
    whole[share] = rows[: share.stop - share.start]
    dist.all_reduce(whole)
    return whole


class _Sum(torch.autograd.Function):
    """All-reduce whose gradient is an all-reduce: each output depends on each process's input."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total
