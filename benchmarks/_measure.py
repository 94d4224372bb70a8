"""How benchmarks time and judge: alternating query by query, tie-aware recall, medians over rounds."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Query = TypeVar("Query")

# Scores nearer than this are one score: distances are computed in single precision, over halves.
TIE = 1e-6


@dataclass
class Truth:
    """The exact answer of one query: the k-th best score, the scores of all rows, and which of them are allowed."""

    scores: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    k: int
    floor: float = field(init=False)
    exist: int = field(init=False)

    def __post_init__(self) -> None:
        inside = self.scores[self.allowed]
        self.exist = min(self.k, len(inside))
        self.floor = float(np.partition(inside, -self.exist)[-self.exist]) if self.exist else 0.0

    def recall(self, rows: Sequence[int]) -> float:
        """The share of the k (or of all that exist) that an answer has; any row that ties with the last one counts."""
        if not self.exist:
            return 1.0
        right = {row for row in rows if self.allowed[row] and self.scores[row] >= self.floor - TIE}
        return min(1.0, len(right) / self.exist)

    def is_short(self, rows: Sequence[int]) -> bool:
        """Whether fewer came than were asked for and exist."""
        return len(rows) < self.exist

    def outside(self, rows: Sequence[int]) -> int:
        """How many of the answer do not satisfy the filter."""
        return sum(not self.allowed[row] for row in rows)


@dataclass
class Timings:
    """Seconds of every query, by round."""

    rounds: list[list[float]] = field(default_factory=list)

    def percentile(self, p: float) -> list[float]:
        """Milliseconds at that percentile, one for each round."""
        return [1e3 * float(np.percentile(seconds, p)) for seconds in self.rounds]

    def summary(self) -> dict[str, Any]:
        """p50, p95, p99 in ms: the median over rounds, and the least and greatest."""
        answer: dict[str, Any] = {}
        for p in (50, 95, 99):
            values = self.percentile(p)
            answer[f"p{p}_ms"] = statistics.median(values)
            answer[f"p{p}_ms_spread"] = [min(values), max(values)]
        return answer


def alternate(
    askers: Mapping[str, Callable[[Query], object]],
    queries: Sequence[Query],
    rounds: int,
    seen: Callable[[str, int, object], None] = lambda _name, _query, _answer: None,
) -> dict[str, Timings]:
    """Time every asker on every query, one after the other and each round starting with another.

    ``seen`` gets the answers of the first round: asker, the query's number, answer. It is not timed.
    """
    names = list(askers)
    timings = {name: Timings() for name in names}
    for name in names:
        for query in queries[:5]:
            askers[name](query)
    for turn in range(rounds):
        for name in names:
            timings[name].rounds.append([])
        for number, query in enumerate(queries):
            first = (turn + number) % len(names)
            for name in names[first:] + names[:first]:
                began = time.perf_counter()
                answer = askers[name](query)
                timings[name].rounds[-1].append(time.perf_counter() - began)
                if turn == 0:
                    seen(name, number, answer)
    return timings


def ratios(of: Timings, to: Timings, p: float = 50) -> list[float]:
    """One ratio of percentiles for each round."""
    return [one / other for one, other in zip(of.percentile(p), to.percentile(p), strict=True)]
