"""The training loop of the forms that are networks; it is the same for one process and for many."""

import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from backend.ratings.calibration import log_loss
from backend.ratings.distributed import collected, summed, world, wrapped
from backend.ratings.layers import GlobalBatch
from backend.ratings.measures import measure
from backend.ratings.models import STARS, Epoch, History, Progress, Step
from backend.ratings.schedules import Schedule

Indices = NDArray[np.int64]
# Norm to which the gradients of a batch are cut (Pascanu et al. 2013).
LONGEST_GRADIENT = 1.0


class Data(Protocol):
    """Examples as a network takes them."""

    @property
    def targets(self) -> Indices:
        """(n,) classes 0 to 4 for 1 to 5 stars; -1 where the rating is not known."""
        ...

    def batches(self, size: int, random: np.random.Generator | None) -> list[Indices]:
        """Positions in batches of ``size`` at most; shuffled by ``random``, or in an order that is fast."""
        ...

    def take(self, batch: Indices, rows: slice) -> tuple[Tensor, ...]:
        """The network's arguments for ``rows`` of the global ``batch``, padded as the whole batch is."""
        ...


class Network(Protocol):
    """What the loop asks of a network beside being a ``torch.nn.Module``."""

    batch: GlobalBatch

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(rows,) loss of each row."""
        ...

    def distributions(self, outputs: Tensor) -> Tensor:
        """(rows, 5) probabilities."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long and in what steps: ``batch`` rows at once, ``patience`` epochs without a better one until it stops.

    ``average``: the decay of an average of the weights, and of batch norm's statistics, which is what is judged and
    kept (Polyak and Juditsky 1992); 0 for none.
    ``half``: bfloat16 where the matrix products are. ``class_weights`` (5,) weigh the rows by their rating.
    """

    epochs: int
    batch: int
    patience: int
    seed: int
    average: float = 0.0
    half: bool = False
    class_weights: tuple[float, ...] = (1.0,) * STARS


def balanced_weights(targets: Indices, power: float = 1.0) -> tuple[float, ...]:
    """n / (classes x count) for each rating that occurs, as scikit-learn's "balanced", to ``power``; else 0."""
    counts = np.bincount(targets, minlength=STARS)
    present = counts > 0
    balanced = len(targets) / (present.sum() * np.maximum(counts, 1))
    return tuple(float(weight) for weight in np.where(present, balanced**power, 0.0))


def train(
    network: nn.Module,
    data: Data,
    validation: Data,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    settings: Settings,
    progress: Progress | None = None,
) -> History:
    """Train ``network``, a ``Network`` too, in place; it is left as it was after its best epoch.

    The best epoch is the one with the least ranked probability score on ``validation``. That counts every review alike,
    so a network that learns by class weights has to take them out of its ``distributions`` again.
    """
    return _Training(network, data, validation, optimizer, schedule, settings, progress).run()


def probabilities(
    network: nn.Module, data: Data, *, half: bool, batch: int = 64, together: bool = False
) -> NDArray[np.float64]:
    """(n, 5) float64, each row's sum 1.

    With ``together`` the processes share the rows out and each gets all of them, so all must ask at the same time.
    """
    found = np.zeros((len(data.targets), STARS), dtype=np.float64)
    network.eval()
    place = next(network.parameters()).device
    with torch.no_grad():
        for positions in data.batches(batch, None):
            share = world().share(len(positions)) if together else slice(0, len(positions))
            with _precision(place, half):
                outputs = network(*_moved(data.take(positions, _never_empty(share)), place))
            part = network.distributions(outputs.float()).double()  # type: ignore[operator]  # A Network.
            if together:
                part = collected(part, share, len(positions))
            found[positions] = part.cpu().numpy()
    rows: NDArray[np.float64] = found / found.sum(1, keepdims=True)
    return rows


def ranked_probability_score(targets: Indices, found: NDArray[np.float64]) -> float:
    """Mean over reviews of the squared distance of the cumulative probabilities to the given rating's (Epstein 1969).

    Proper and ordinal, and a confident error does not outweigh everything else as it does in the log-likelihood.
    """
    given = np.cumsum(np.eye(STARS)[targets], 1)
    return float(((np.cumsum(found, 1) - given) ** 2).sum(1).mean())


class _Training:
    def __init__(
        self,
        network: nn.Module,
        data: Data,
        validation: Data,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        settings: Settings,
        progress: Progress | None,
    ) -> None:
        self._network, self._data, self._validation = network, data, validation
        self._optimizer, self._schedule, self._settings, self._progress = optimizer, schedule, settings, progress
        self._shared = wrapped(network)
        self._place = next(network.parameters()).device
        self._weights = np.array(settings.class_weights)
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        # Batch norm's statistics are of the weights, so they are averaged with them.
        statistics = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
        self._averaging = [*self._parameters, *statistics] if settings.average else []
        self._average = [tensor.detach().clone() for tensor in self._averaging]
        self._steps = 0

    def run(self) -> History:
        random = np.random.default_rng(self._settings.seed)
        epochs: list[Epoch] = []
        best, least, kept = 0, math.inf, {}
        for number in range(1, self._settings.epochs + 1):
            began = time.monotonic()
            rate = self._optimizer.param_groups[-1]["lr"]
            loss = self._pass(number, self._data.batches(self._settings.batch, random))
            with self._averaged():
                score, epoch = self._judge(number, loss, rate, began)
                if score < least:
                    best, least = number, score
                    kept = {name: value.detach().clone() for name, value in self._network.state_dict().items()}
            epochs.append(epoch)
            self._schedule.after_epoch(score)
            if number - best >= self._settings.patience:
                break
        self._network.load_state_dict(kept)
        return History(tuple(epochs), best, stopped_early=len(epochs) < self._settings.epochs)

    def _pass(self, number: int, batches: Sequence[Indices]) -> float:
        self._network.train()
        total = 0.0
        for done, batch in enumerate(batches, 1):
            loss = self._step(batch)
            total += loss * len(batch)
            if self._progress is not None:
                self._progress(Step(number, done, len(batches), loss))
        return total / len(self._data.targets)

    def _step(self, batch: Indices) -> float:
        share = world().share(len(batch))
        rows = _never_empty(share)
        targets = self._data.targets[batch]
        weights = self._weights[targets]
        whole = max(float(weights.sum()), 1e-12)
        # A share without rows computes one that counts for nothing, since its process takes part in every exchange.
        mine = torch.as_tensor(weights[rows] if share.stop > share.start else [0.0], dtype=torch.float32)
        at: GlobalBatch = self._network.batch  # type: ignore[assignment]  # A Network.
        at.rows, at.total = rows, len(batch)
        at.weights = (torch.ones(len(mine)) * (share.stop > share.start)).to(self._place)
        with _precision(self._place, self._settings.half):
            outputs = self._shared(*_moved(self._data.take(batch, rows), self._place))
        wanted = torch.as_tensor(targets[rows], device=self._place)
        losses = self._network.losses(outputs.float(), wanted)  # type: ignore[operator]  # A Network.
        loss = (losses * mine.to(self._place)).sum() / whole
        # DistributedDataParallel takes the mean over the processes, and the loss is a sum over them.
        (loss * world().size).backward()
        nn.utils.clip_grad_norm_(self._parameters, LONGEST_GRADIENT)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._schedule.after_step()
        self._steps += 1
        if self._average:
            # Shorter at first, so that the start is soon forgotten.
            decay = min(self._settings.average, self._steps / (10 + self._steps))
            update = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch leaves it so.
            update(self._average, [tensor.detach() for tensor in self._averaging], self._steps)
        return float(summed(loss.detach()))

    def _judge(self, number: int, loss: float, rate: float, began: float) -> tuple[float, Epoch]:
        found = probabilities(self._network, self._validation, half=self._settings.half, together=True)
        targets = self._validation.targets
        measures = measure(targets + 1, found.argmax(1) + 1)
        score = ranked_probability_score(targets, found)
        return score, Epoch(
            number=number,
            loss=loss,
            validation_loss=log_loss(targets + 1, found),
            accuracy=measures.accuracy,
            mae=measures.mae,
            kappa=measures.quadratic_kappa,
            learning_rate=rate,
            seconds=time.monotonic() - began,
        )

    def _averaged(self) -> AbstractContextManager[object]:
        return _Swapped(self._averaging, self._average) if self._average else nullcontext()


class _Swapped:
    """The block sees the averages."""

    def __init__(self, tensors: Sequence[Tensor], average: Sequence[Tensor]) -> None:
        self._tensors, self._average = tensors, average

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_exception: object) -> None:
        self._swap()

    def _swap(self) -> None:
        with torch.no_grad():
            for tensor, average in zip(self._tensors, self._average, strict=True):
                held = tensor.detach().clone()
                tensor.copy_(average)
                average.copy_(held)


def _never_empty(share: slice) -> slice:
    return share if share.stop > share.start else slice(0, 1)


def _moved(arguments: tuple[Tensor, ...], place: torch.device) -> list[Tensor]:
    return [argument.to(place, non_blocking=True) for argument in arguments]


def _precision(place: torch.device, half: bool) -> AbstractContextManager[object]:
    return torch.autocast(place.type, dtype=torch.bfloat16, enabled=half)


def half_is_fast(place: torch.device) -> bool:
    """Whether bfloat16 is faster there than float32: on a CPU only with instructions for it."""
    if place.type != "cpu":
        return True
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
