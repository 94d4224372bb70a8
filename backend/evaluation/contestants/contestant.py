"""What a contestant is."""

from collections.abc import Sequence
from typing import Protocol

from backend.evaluation.held_out import Asked, AskedPerson, AskedProduct, HeldOutSet

# The ids of an answer, best first; None where a contestant has none for this question.
Answer = list[int] | None


class Contestant(Protocol):
    """Somebody who recommends; knows nothing from after the cut."""

    @property
    def name(self) -> str:
        """As it stands in the report."""
        ...

    @property
    def is_baseline(self) -> bool:
        """Whether others are measured against it."""
        ...

    def answers(self, one: HeldOutSet, k: int) -> Sequence[Answer] | str:
        """An answer of up to k products to each question; or why it does not take part in this set."""
        ...


def excluded(question: Asked) -> frozenset[int]:
    """What no answer may hold: the product that is asked for, or what the person had to do with before."""
    if isinstance(question, AskedProduct):
        return frozenset((question.product_id,))
    if isinstance(question, AskedPerson):
        return frozenset(question.history)
    return frozenset()
