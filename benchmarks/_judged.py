"""Held-out test products as evaluation sets, and what each space scores on them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from psycopg import Connection

from backend.database.connection import Row
from backend.evaluation.answers import Answers, Method, measured_space
from backend.evaluation.intervals import Estimate, estimate
from backend.evaluation.quality import scores
from backend.evaluation.questions import PRECISION_K, EvaluationSet, Question, precision_by_chance, recall_by_chance
from benchmarks._held_out import Catalogue

RECALL_K = 10

Scores = list[float | None]


def type_set(catalogue: Catalogue, asked: Sequence[str], ids: Mapping[str, int]) -> EvaluationSet:
    """Each of ``asked`` (skus) with all other products of its article type; the bootstrap draws single queries.

    One whose article type no other product has is asked for as well, and scores 0.
    """
    members: dict[str, list[int]] = defaultdict(list)
    types = {item.sku: item.article_type for item in catalogue.items}
    for sku, kind in types.items():
        members[kind].append(ids[sku])
    same = {kind: frozenset(products) for kind, products in members.items()}
    others = len(catalogue.items) - 1
    questions = [
        Question(
            ids[sku],
            sku,
            sku,
            precision_by_chance(len(same[types[sku]]) - 1, others, PRECISION_K),
            right=same[types[sku]],
        )
        for sku in asked
    ]
    return EvaluationSet("same article type", "precision", PRECISION_K, tuple(questions))


def variant_set(catalogue: Catalogue, asked: Iterable[str], ids: Mapping[str, int]) -> EvaluationSet:
    """Each of ``asked`` that has colour variants with the others of its group; the bootstrap draws whole groups."""
    groups = catalogue.groups()
    chance = recall_by_chance(len(catalogue.items) - 1, RECALL_K)
    questions = [
        Question(ids[sku], sku, min(groups[sku]), chance, right=frozenset(ids[other] for other in groups[sku] - {sku}))
        for sku in asked
        if sku in groups
    ]
    return EvaluationSet("colour variants", "recall", RECALL_K, tuple(questions))


def sampled(skus: frozenset[str], most: int | None, seed: int) -> list[str]:
    """``most`` of the skus at random, all when None, in their order."""
    found = sorted(skus)
    if most is None or most >= len(found):
        return found
    return sorted(np.random.default_rng(seed).choice(found, most, replace=False).tolist())


@dataclass(frozen=True)
class Way:
    """One way to answer: a space asked by all its modalities, or by one."""

    label: str
    space: str
    method: Method = "fused"


def ask_all(
    connection: Connection[Row], ways: Sequence[Way], sets: Sequence[EvaluationSet]
) -> dict[str, dict[str, Scores]]:
    """By set and way, the score of every question; None where a product lacks the one modality that is asked for."""
    answers: dict[str, Answers] = {}
    for way in ways:
        if way.space not in answers:
            answers[way.space] = Answers(connection, measured_space(connection, way.space), RECALL_K)
            for one in sets:
                answers[way.space].note_lacking(one.questions)
    return {one.label: {way.label: scores(one, answers[way.space], way.method) for way in ways} for one in sets}


def at_most_k(one: EvaluationSet, found: dict[str, Scores]) -> tuple[EvaluationSet, dict[str, Scores]]:
    """The same recalls over as many right products as the answer has room for: over k where more than k are right."""
    room = [max(1.0, len(question.right or ()) / one.k) for question in one.questions]
    questions = tuple(
        replace(question, by_chance=question.by_chance * factor)
        for question, factor in zip(one.questions, room, strict=True)
    )
    lifted: dict[str, Scores] = {
        way: [None if value is None else value * factor for value, factor in zip(values, room, strict=True)]
        for way, values in found.items()
    }
    return replace(one, name=f"{one.name}, at most {one.k}", questions=questions), lifted


@dataclass(frozen=True)
class Judge:
    """How intervals are drawn."""

    resamples: int
    seed: int

    def mean(self, one: EvaluationSet, found: Scores) -> Estimate | None:
        """The mean over the questions that have an answer."""
        kept = [
            (question.unit, value) for question, value in zip(one.questions, found, strict=True) if value is not None
        ]
        return self._estimate([value for _, value in kept], [unit for unit, _ in kept])

    def difference(self, one: EvaluationSet, found: Scores, other: Scores) -> Estimate | None:
        """``found`` less ``other``, question by question, over those that both answer."""
        kept = [
            (question.unit, value - against)
            for question, value, against in zip(one.questions, found, other, strict=True)
            if value is not None and against is not None
        ]
        return self._estimate([value for _, value in kept], [unit for unit, _ in kept])

    def chance(self, one: EvaluationSet) -> Estimate | None:
        """What products drawn at random score."""
        return self._estimate([question.by_chance for question in one.questions], [q.unit for q in one.questions])

    def _estimate(self, values: Sequence[float], units: Sequence[str]) -> Estimate | None:
        return estimate(values, units, resamples=self.resamples, seed=self.seed)


def counts(catalogue: Catalogue, training: frozenset[str], test: frozenset[str]) -> dict[str, int]:
    """How many products and variant groups each side has, for the report."""
    groups = Counter(
        side
        for group in set(catalogue.groups().values())
        for side, skus in (("training", training), ("test", test))
        if group <= skus
    )
    return {
        "products": len(catalogue.items),
        "training products": len(training),
        "test products": len(test),
        "training groups": groups["training"],
        "test groups": groups["test"],
    }
