"""Contestants judged on one held-out set: measures with intervals, and paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from backend.database.connection import Row
from backend.evaluation.contestants.contestant import Answer, Contestant
from backend.evaluation.held_out import Asked, HeldOutSet
from backend.evaluation.intervals import Estimate, estimates
from backend.evaluation.measures import ndcg_at_k, precision_at_k, recall_at_k, reciprocal_rank_at_k
from backend.evaluation.signals import SQL
from backend.evaluation.spread import Popularity, coverage, diversity

# What is better when it is larger, in the order of the report; the others describe lists.
ACCURACY = ("precision", "recall", "ndcg", "mrr", "cold_recall", "cold_ndcg")
MEASURES = (*ACCURACY, "diversity", "novelty", "coverage")
# Vectors of so many products are in memory at once: 4,000 x 1,664 float32 are 27 MB.
MOST_VECTORS = 4_000


@dataclass(frozen=True)
class Judge:
    """What lists are judged by: ``space_id`` gives the vectors of diversity; a product is cold that fewer than ``cold``
    people are known to have had to do with; coverage is that of the catalogue's ``products``."""

    connection: Connection[Row]
    k: int
    seed: int
    popularity: Popularity
    cold: int
    space_id: int
    products: int


@dataclass(frozen=True)
class Scored:
    """One contestant on one set; ``measures`` by name (``MEASURES``), None where a measure does not apply.

    ``answered`` counts the questions it had an answer to; means are over these. ``absent``: why it took no part.
    """

    contestant: str
    is_baseline: bool
    answered: int
    measures: Mapping[str, Estimate | None]
    absent: str | None = None


@dataclass(frozen=True)
class Difference:
    """``contestant`` less ``other``, question by question, over those that both answer; by measure."""

    contestant: str
    other: str
    measures: Mapping[str, Estimate | None]


@dataclass(frozen=True)
class SetResult:
    """A set with everybody's figures; ``cold_questions`` have something cold to find, None if it is not of signals."""

    name: str
    about: str
    by_category: bool
    questions: int
    units: int
    unit: str
    cold_questions: int | None
    contestants: tuple[Scored, ...]
    differences: tuple[Difference, ...]

    @property
    def present(self) -> list[Scored]:
        """Those who took part."""
        return [scored for scored in self.contestants if not scored.absent]


@dataclass
class _Column:
    contestant: Contestant
    answers: list[Answer]
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)


def judge_set(one: HeldOutSet, given: Sequence[tuple[Contestant, Sequence[Answer] | str]], judge: Judge) -> SetResult:
    """Score every contestant's answers; all intervals of a set are drawn from the same units at once."""
    columns = [_Column(who, list(found)) for who, found in given if not isinstance(found, str)]
    cold = _cold(one, judge)
    categories = _categories(judge, columns) if one.by_category else {}
    for column in columns:
        _score(one, column, judge, cold, categories)
    _add_diversity(one, columns, judge)
    pairs = [
        (a, b) for place, a in enumerate(columns) for other, b in enumerate(columns) if _is_compared(a, b, place, other)
    ]
    keys: list[tuple[str, str | None, str]] = []
    values: list[NDArray[np.float64]] = []
    for column in columns:
        for measure, scores in column.values.items():
            keys.append((column.contestant.name, None, measure))
            values.append(scores)
    for a, b in pairs:
        for measure in ACCURACY:
            if measure in a.values:
                keys.append((a.contestant.name, b.contestant.name, measure))
                values.append(a.values[measure] - b.values[measure])
    units = [question.unit for question in one.questions]
    found = dict(zip(keys, estimates(np.stack(values, axis=1), units, seed=judge.seed) if values else [], strict=True))
    return SetResult(
        name=one.name,
        about=one.about,
        by_category=one.by_category,
        questions=len(one.questions),
        units=len(set(units)),
        unit=one.units,
        cold_questions=None if cold is None else sum(bool(products) for products in cold),
        contestants=tuple(
            _absent(who, answers) if isinstance(answers, str) else _scored(who, answers, units, found, judge)
            for who, answers in given
        ),
        differences=tuple(
            Difference(
                a.contestant.name,
                b.contestant.name,
                {m: found[a.contestant.name, b.contestant.name, m] for m in ACCURACY if m in a.values},
            )
            for a, b in pairs
        ),
    )


def _is_compared(a: _Column, b: _Column, place: int, other: int) -> bool:
    """Who is no baseline is measured against all baselines, and against those before it."""
    return not a.contestant.is_baseline and (b.contestant.is_baseline or other < place)


def _cold(one: HeldOutSet, judge: Judge) -> list[frozenset[int]] | None:
    """The right products of each question that are cold."""
    if not one.of_signals:
        return None
    return [
        frozenset(product for product in question.right or () if judge.popularity.of(product) < judge.cold)
        for question in one.questions
    ]


def _categories(judge: Judge, columns: Sequence[_Column]) -> dict[int, str | None]:
    ids = sorted({product for column in columns for answer in column.answers for product in answer or ()})
    return dict(judge.connection.execute(SQL["categories"], {"product_ids": ids}).fetchall())


def _score(
    one: HeldOutSet,
    column: _Column,
    judge: Judge,
    cold: Sequence[frozenset[int]] | None,
    categories: Mapping[int, str | None],
) -> None:
    rows: list[dict[str, float]] = []
    for place, (question, answer) in enumerate(zip(one.questions, column.answers, strict=True)):
        if answer is None:
            rows.append({})
            continue
        row = _accuracy(question, answer, one.by_category, judge.k, categories)
        if cold is not None and cold[place]:
            found = [product in cold[place] for product in answer]
            row["cold_recall"] = recall_at_k(found, len(cold[place]), judge.k)
            row["cold_ndcg"] = ndcg_at_k(found, len(cold[place]), judge.k)
        novelty = judge.popularity.novelty(answer) if judge.popularity else None
        if novelty is not None:
            row["novelty"] = novelty
        rows.append(row)
    names = ["precision" if one.by_category else "recall", "ndcg", "mrr"]
    names += ["cold_recall", "cold_ndcg"] if cold is not None else []
    names += ["novelty"] if judge.popularity else []
    for name in names:
        column.values[name] = np.array([row.get(name, nan) for row in rows])


def _accuracy(
    question: Asked, answer: Sequence[int], by_category: bool, k: int, categories: Mapping[int, str | None]
) -> dict[str, float]:
    found = [question.is_right(product, categories.get(product)) for product in answer]
    first = (
        {"precision": precision_at_k(found, k)} if by_category else {"recall": recall_at_k(found, question.rights, k)}
    )
    return first | {"ndcg": ndcg_at_k(found, question.rights, k), "mrr": reciprocal_rank_at_k(found, k)}


def _add_diversity(one: HeldOutSet, columns: Sequence[_Column], judge: Judge) -> None:
    """Question by question, so that few vectors are in memory whatever the number of lists."""
    count = len(one.questions)
    for column in columns:
        column.values["diversity"] = np.full(count, nan)
    step = max(1, MOST_VECTORS // (judge.k * max(1, len(columns))))
    for start in range(0, count, step):
        part = range(start, min(start + step, count))
        ids = sorted({product for column in columns for place in part for product in column.answers[place] or ()})
        given = {"space_id": judge.space_id, "product_ids": ids}
        vectors: dict[int, Any] = {
            product: vector.to_numpy().astype(np.float32)
            for product, vector in judge.connection.execute(SQL["stored"], given, binary=True).fetchall()
        }
        for column in columns:
            for place in part:
                rows = [vectors[product] for product in column.answers[place] or () if product in vectors]
                unlike = diversity(np.stack(rows)) if rows else None
                if unlike is not None:
                    column.values["diversity"][place] = unlike


def _scored(
    who: Contestant,
    answers: Sequence[Answer],
    units: Sequence[str],
    found: Mapping[tuple[str, str | None, str], Estimate | None],
    judge: Judge,
) -> Scored:
    given = [(answer, unit) for answer, unit in zip(answers, units, strict=True) if answer is not None]
    measures = {measure: found.get((who.name, None, measure)) for measure in MEASURES}
    measures["coverage"] = coverage([answer for answer, _ in given], [unit for _, unit in given], judge.products)
    return Scored(who.name, who.is_baseline, len(given), measures)


def _absent(who: Contestant, why: str) -> Scored:
    return Scored(who.name, who.is_baseline, 0, dict.fromkeys(MEASURES), absent=why)
