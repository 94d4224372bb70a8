"""Recall that is measured: queries are answered through the index and exactly, on one snapshot, and compared."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from backend.database.connection import Row
from backend.database.queries import load_queries
from backend.recommend.tuning import Measured
from backend.spaces.space import Space

SQL = load_queries("upkeep")

# Where nobody asks, this many questions are made up, so that an index that decays is noticed all the same.
PROBES = 30
PROBE_HITS = 10
# An audit is cut short after so many seconds: exact answers of a large catalogue take their time.
LONGEST_AUDIT = 20.0
# What acts on a ranking after it is found, and would hide what the index missed or invent a miss.
AFTER_RANKING = ("diversity", "one_per_variant_group", "placement", "score_threshold", "as_of", "exact")


@dataclass(frozen=True)
class Question:
    """A query whose exact answer is known.

    ``recommendation_id`` is None for one that upkeep made up, ``match_share`` (0 to 1) for one without a filter. The
    exact answer has ``expected`` products (at least 1), the last of them with the score ``last``.
    """

    query: dict[str, Any]
    recommendation_id: UUID | None
    k: int
    match_share: float | None
    expected: int
    last: float


@dataclass(frozen=True)
class Comparison:
    """A question with its recall, 0 to 1: the share of the exact answer that came through the index."""

    question: Question
    recall: float


class Audit:
    """The audit of one space, inside one transaction of REPEATABLE READ on ``connection``, in which nothing is kept."""

    def __init__(self, connection: psycopg.Connection[Row], space: Space, interrupted: Callable[[], bool]) -> None:
        self._connection = connection
        self._space = space
        self._interrupted = interrupted
        self._ends = time.monotonic() + LONGEST_AUDIT
        self.questions: list[Question] = []

    def collect(self, sample: int, products: int) -> None:
        """Take up to ``sample`` live queries, make up some where there are few, and answer them exactly."""
        found = self._connection.execute(
            SQL["live_questions"], {"space_id": self._space.id, "sample": sample}
        ).fetchall()
        asked: list[tuple[UUID | None, dict[str, Any]]] = [(row[0], {**row[1], "k": row[2]}) for row in found]
        asked += [(None, query) for query in self._make_up(min(sample, PROBES) - len(asked), products)]
        for recommendation_id, query in asked:
            if self._interrupted() or time.monotonic() > self._ends:
                return
            self._pose(recommendation_id, query)

    def compare(self, ef_search: int) -> list[Comparison]:
        """The recall of each question that goes through the index with this ``ef_search``."""
        compared: list[Comparison] = []
        with self._connection.transaction(force_rollback=True):
            self._connection.execute(SQL["try_ef_search"], {"space_id": self._space.id, "ef_search": ef_search})
            for question in self.questions:
                if self._interrupted():
                    break
                row = self._connection.execute(
                    SQL["answer"], {"query": Jsonb(question.query), "last": question.last}
                ).fetchone()
                # What the planner sorts exactly has nothing to lose, and would only polish the mean.
                if row is not None and row[1] == "ann":
                    compared.append(Comparison(question, min(1.0, row[0] / question.expected)))
        return compared

    def _make_up(self, wanted: int, products: int) -> list[dict[str, Any]]:
        if wanted <= 0:
            return []
        portion = min(100.0, 400 * wanted / max(1, products))
        found = self._connection.execute(
            SQL["probe_products"], {"space_id": self._space.id, "sample": wanted, "portion": portion}
        ).fetchall()
        paths = [path for _, path in found if path]
        queries = []
        for number, (sku, _) in enumerate(found):
            query: dict[str, Any] = {"like": [{"sku": sku}], "k": PROBE_HITS, "space": self._space.name}
            if number % 2 and paths:
                # Any level of any category: large and small ones, near the product and far from it.
                names = random.choice(paths).split("/")  # noqa: S311  # A sample, not a secret.
                under = "/".join(names[: random.randint(1, len(names))])  # noqa: S311  # As above.
                query["filter"] = {"field": "category", "under": under}
            queries.append(query)
        return queries

    def _pose(self, recommendation_id: UUID | None, query: dict[str, Any]) -> None:
        core = {name: value for name, value in query.items() if name not in AFTER_RANKING}
        core |= {"rules": False, "fallback": False}
        restriction = core.get("filter")
        share = None
        try:
            with self._connection.transaction():
                if restriction is not None:
                    row = self._connection.execute(SQL["match_share"], {"filter": Jsonb(restriction)}).fetchone()
                    share = min(1.0, row[0]) if row else None
                answer = self._connection.execute(SQL["exact_answer"], {"query": Jsonb(core)}).fetchone()
        except psycopg.DatabaseError as error:
            # The query was right once: its category or an example that it excludes is gone since.
            if (error.sqlstate or "").startswith("SM"):
                return
            raise
        if answer is not None and answer[0]:
            self.questions.append(Question(core, recommendation_id, core["k"], share, answer[0], answer[1]))


def measured(compared: list[Comparison]) -> Measured:
    """The mean of comparisons and how sure it is."""
    return Measured.of([item.recall for item in compared])
