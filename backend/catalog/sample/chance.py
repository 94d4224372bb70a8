"""Chance that is the same on every run and machine."""

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice(random.Random):
    """A generator seeded by text (Python hashes it with SHA-512, whatever PYTHONHASHSEED says)."""

    def pick(self, weights: Mapping[T, float]) -> T:
        """One key, as likely as its weight; the mapping's own order counts."""
        return self.choices(list(weights), weights=list(weights.values()))[0]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """``count`` different items, or all where there are fewer."""
        return self.sample(items, min(count, len(items)))

    def wobble(self, amount: float) -> float:
        """A number from -amount to amount."""
        return self.uniform(-amount, amount)
