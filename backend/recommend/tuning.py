"""How wide a space's graph has to be searched: the least ef_search that reaches the target recall."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

# Each step costs a query about a third more or less.
LADDER = (20, 30, 40, 60, 80, 100, 150, 200, 300, 400, 600, 800, 1000)
# Fewer queries than these decide nothing.
FEWEST_QUERIES = 30
# A good mean must not be had at the cost of a few queries.
LEAST_P5 = 0.9
# A wider search that finds so little more is not worth its time: the graph itself is at fault.
LEAST_GAIN = 0.002


@dataclass(frozen=True)
class Measured:
    """Mean recall (0 to 1) of ``n`` queries, and what all but the worst 5 % of them have.

    ``error`` is the mean's standard error, never less than half a query's worth.
    """

    n: int
    recall: float
    error: float
    p5: float = 1.0

    @classmethod
    def of(cls, recalls: Sequence[float]) -> Self:
        """The mean of these recalls; of none it is 0, and nothing is sure."""
        n = len(recalls)
        if not n:
            return cls(0, 0.0, 1.0, 0.0)
        mean = math.fsum(recalls) / n
        variance = math.fsum((recall - mean) ** 2 for recall in recalls) / max(1, n - 1)
        return cls(n, mean, max(math.sqrt(variance / n), 0.5 / n), sorted(recalls)[n // 20])


@dataclass(frozen=True)
class Decision:
    """``ef_search`` from ``old`` to ``new``, with the recall of the same queries under both, and why."""

    old: int
    new: int
    before: Measured
    after: Measured
    reason: str


def decide(
    current: int,
    now: Measured,
    target: float,
    measure: Callable[[int], Measured],
    may_lower: Callable[[int], bool],
) -> Decision | None:
    """The change that the queries call for, or None.

    Up when recall is surely below the target: the first step that reaches it, or where none does, the first that finds
    as much as the widest. Down one step when recall surely stays at the target there, for nearly every query, and
    ``may_lower`` agrees. Between the two nothing happens, so that chance does not move it to and fro.

    ``measure`` gives the recall of the same queries under another ef_search.
    """
    if now.n < FEWEST_QUERIES:
        return None
    if now.recall + now.error < target:
        return _raise(current, now, target, measure)
    lower = max((step for step in LADDER if step < current), default=None)
    if lower is None or now.recall - now.error < target or not may_lower(lower):
        return None
    then = measure(lower)
    # A search that is interrupted has measured less.
    if then.n < now.n or then.recall - then.error < target or then.p5 < LEAST_P5:
        return None
    reason = (
        f"recall of {now.n} queries stays at {then.recall:.4f}, the target is {target:g}: a narrower search is enough"
    )
    return Decision(current, lower, now, then, reason)


def _raise(current: int, now: Measured, target: float, measure: Callable[[int], Measured]) -> Decision | None:
    tried: list[tuple[int, Measured]] = []
    for step in (step for step in LADDER if step > current):
        then = measure(step)
        # Wider, the planner may sort exactly what it answered by the graph: those queries are not compared.
        if not then.n:
            break
        tried.append((step, then))
        if then.recall >= target:
            break
    if not tried:
        return None
    best = max(then.recall for _, then in tried)
    if best < now.recall + LEAST_GAIN:
        return None
    step, then = next((step, then) for step, then in tried if then.recall >= min(target, best - LEAST_GAIN))
    reached = "reaches it" if then.recall >= target else "finds as much as any wider one"
    reason = (
        f"recall of {now.n} queries is {now.recall:.4f}, below the target {target:g}; "
        f"this width {reached}: {then.recall:.4f}"
    )
    return Decision(current, step, now, then, reason)
