"""How the learning rate changes while a network trains."""

from typing import Protocol

import torch


class Schedule(Protocol):
    """Is told of each step and each epoch, and sets the optimizer's learning rates."""

    def after_step(self) -> None:
        """A batch was learnt."""
        ...

    def after_epoch(self, score: float) -> None:
        """An epoch ended with this validation score; less is better."""
        ...


class WarmUp:
    """Up in a straight line over the first ``warm`` share of ``steps``, then down in one to 0 (Devlin et al. 2019)."""

    def __init__(self, optimizer: torch.optim.Optimizer, steps: int, warm: float = 0.1) -> None:
        up = max(1, round(warm * steps))

        def factor(step: int) -> float:
            return (step + 1) / up if step < up else max(0.0, (steps - step) / max(1, steps - up))

        self._inner = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)

    def after_step(self) -> None:
        """See ``Schedule``."""
        self._inner.step()

    def after_epoch(self, score: float) -> None:
        """Nothing: steps count."""


class Plateau:
    """Half the rate after ``patience`` epochs without a better validation score."""

    def __init__(self, optimizer: torch.optim.Optimizer, patience: int = 2) -> None:
        self._inner = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience)

    def after_step(self) -> None:
        """Nothing: epochs count."""

    def after_epoch(self, score: float) -> None:
        """See ``Schedule``."""
        self._inner.step(score)
