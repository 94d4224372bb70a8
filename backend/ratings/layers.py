"""Dropout and batch norm over the global batch, of which this process computes some rows."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from backend.ratings.distributed import summed


class GlobalBatch:
    """The batch that the layers of one network are working on; the training loop sets it before each forward pass.

    ``rows`` are this process's of ``total``; ``weights`` (rows,) are 0 for a row that only fills an empty share.
    """

    def __init__(self, seed: int) -> None:
        # The fastest of NumPy's: a batch of reviews takes ten million draws.
        self._random = np.random.Generator(np.random.SFC64(seed))
        self.rows = slice(0, 0)
        self.total = 0
        self.weights = torch.zeros(0)

    def keep(self, shape: torch.Size, threshold: int) -> Tensor:
        """Which of the values of this process's rows (of ``shape``) are kept: a byte under ``threshold`` is dropped."""
        size = math.prod(shape[1:])
        drawn = np.frombuffer(self._random.bytes(self.total * size), dtype=np.uint8).reshape(self.total, size)
        return torch.from_numpy(drawn[self.rows] >= threshold).reshape(shape)


class Dropout(nn.Module):
    """Dropout whose mask is drawn for the global batch, so that it does not depend on how that is shared out.

    A byte a value: the rate is rounded to a 256th, and what is kept is scaled by the rate that holds.
    """

    def __init__(self, rate: float, batch: GlobalBatch) -> None:
        super().__init__()
        self._threshold = round(rate * 256)
        self._batch = batch

    def forward(self, values: Tensor) -> Tensor:
        """``values`` (rows, ...) with some set to 0 while training."""
        if not self.training or not self._threshold:
            return values
        kept = self._batch.keep(values.shape, self._threshold).to(values.device)
        return values * (kept.to(values.dtype) * (256 / (256 - self._threshold)))


class BatchNorm(nn.Module):
    """Batch norm (Ioffe and Szegedy 2015) with the statistics of the global batch; rows of weight 0 do not count.

    torch's own SyncBatchNorm refuses the CPU.
    """

    running_mean: Tensor
    running_variance: Tensor
    steps: Tensor

    def __init__(self, width: int, batch: GlobalBatch, *, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_variance", torch.ones(width))
        self.register_buffer("steps", torch.zeros(()))
        self._momentum, self._epsilon, self._batch = momentum, epsilon, batch

    def forward(self, values: Tensor) -> Tensor:
        """``values`` (rows, width), normalised by the batch while training, by the running statistics otherwise."""
        mean, variance = self.running_mean, self.running_variance
        if self.training:
            counted = (self._batch.weights > 0).to(values)[:, None]
            total = self._batch.total
            mean = summed((values * counted).sum(0)) / total
            variance = summed(((values - mean) ** 2 * counted).sum(0)) / total
            with torch.no_grad():
                # The running variance is the unbiased one, as torch's is.
                unbiased = variance * (total / max(1, total - 1))
                # A plain mean at first, so that few reviews are not judged by the statistics that a layer begins with.
                self.steps += 1
                momentum = torch.clamp(1 / self.steps, min=self._momentum)
                self.running_mean.lerp_(mean, momentum)
                self.running_variance.lerp_(unbiased, momentum)
        return (values - mean) * torch.rsqrt(variance + self._epsilon) * self.scale + self.shift


def replace_dropout(network: nn.Module, batch: GlobalBatch, rate: float) -> None:
    """Put ``Dropout`` of this rate in the place of every ``nn.Dropout`` inside ``network`` that drops anything."""
    for name, child in network.named_children():
        if isinstance(child, nn.Dropout):
            # Attention's has the rate 0, and its number is read by the attention function.
            if child.p:
                setattr(network, name, Dropout(rate, batch))
        else:
            replace_dropout(child, batch, rate)
