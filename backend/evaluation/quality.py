"""Spaces judged on evaluation sets, query by query, so that their difference has an interval of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from backend.evaluation.answers import Answers, Method
from backend.evaluation.intervals import RESAMPLES, Estimate, estimate
from backend.evaluation.questions import EvaluationSet

METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Quality:
    """One evaluation set asked in one way of two spaces; measures are 0 to 1.

    ``difference`` is b less a over the queries that both answer, and so are ``a`` and ``b``. ``left_out`` counts the
    queries that at least one of them has no answer for. A space without that modality has None, and so has the
    difference then. ``method`` ``random`` is what products drawn at random score, the same in every space.
    """

    evaluation_set: str
    method: Method | str
    a: Estimate | None
    b: Estimate | None
    difference: Estimate | None
    left_out: int


def judge(
    sets: Sequence[EvaluationSet], a: Answers, b: Answers, *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Quality]:
    """Every set asked fused, by each modality alone and at random of both spaces.

    Intervals are of 95 %, by the bootstrap over the questions' units (``intervals.estimate``).
    """
    found: list[Quality] = []
    for one in sets:
        a.note_lacking(one.questions)
        b.note_lacking(one.questions)
        for method in METHODS:
            asked = [answers if method in answers.space.methods else None for answers in (a, b)]
            if any(asked):
                found.append(_judge_method(one, method, asked[0], asked[1], resamples, seed))
        chance = estimate(
            [question.by_chance for question in one.questions],
            [question.unit for question in one.questions],
            resamples=resamples,
            seed=seed,
        )
        found.append(Quality(one.label, "random", chance, chance, None, 0))
    return found


def scores(one: EvaluationSet, answers: Answers | None, method: Method) -> list[float | None]:
    """The score of every question of a set, 0 to 1; None where there is no answer."""
    if answers is None:
        return [None] * len(one.questions)
    asked = ((question, answers.of(question, method)) for question in one.questions)
    return [one.score(question, hits) if hits else None for question, hits in asked]


def _judge_method(
    one: EvaluationSet, method: Method, a: Answers | None, b: Answers | None, resamples: int, seed: int
) -> Quality:
    both = list(zip(one.questions, scores(one, a, method), scores(one, b, method), strict=True))
    kept = [
        (question, x, y) for question, x, y in both if (x is not None or a is None) and (y is not None or b is None)
    ]
    units = [question.unit for question, _, _ in kept]

    def of(values: list[float | None]) -> Estimate | None:
        numbers = [value for value in values if value is not None]
        return estimate(numbers, units, resamples=resamples, seed=seed) if numbers else None

    return Quality(
        evaluation_set=one.label,
        method=method,
        a=of([x for _, x, _ in kept]),
        b=of([y for _, _, y in kept]),
        difference=of([y - x for _, x, y in kept if x is not None and y is not None]),
        left_out=len(both) - len(kept),
    )
