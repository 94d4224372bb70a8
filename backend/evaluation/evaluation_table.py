"""An evaluation as tables for people: the same cells on the terminal and on the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from backend.evaluation.evaluate import Evaluation
from backend.evaluation.judgement import ACCURACY, SetResult
from backend.evaluation.table import difference, show

# How measures are written; {k} is the length of the answers.
NAMES = {
    "precision": "precision@{k}",
    "recall": "recall@{k}",
    "ndcg": "nDCG@{k}",
    "mrr": "MRR@{k}",
    "cold_recall": "cold recall@{k}",
    "cold_ndcg": "cold nDCG@{k}",
    "coverage": "coverage",
    "diversity": "diversity",
    "novelty": "novelty, bits",
}
SPREAD = ("coverage", "diversity", "novelty")


@dataclass(frozen=True)
class Table:
    """A title, a head and rows of as many cells; without a head the title is all there is to say."""

    title: str
    head: list[str]
    rows: list[list[str]]


def accuracy_table(one: SetResult, k: int) -> Table:
    """Who finds what is right, and how far each space is ahead of everybody, with a star where that is no chance."""
    measures = [measure for measure in ACCURACY if any(scored.measures[measure] for scored in one.contestants)]
    spaces = list(dict.fromkeys(found.contestant for found in one.differences))
    head = ["", "answered", *(NAMES[measure].format(k=k) for measure in measures)]
    head += [f"nDCG@{k}: {space} less this" for space in spaces]
    ahead = {(found.other, found.contestant): found.measures["ndcg"] for found in one.differences}
    rows = [
        [
            scored.contestant,
            f"{scored.answered:,}",
            *(show(scored.measures[measure]) for measure in measures),
            *(difference(ahead.get((scored.contestant, space))) for space in spaces),
        ]
        for scored in one.present
    ]
    return Table(_title(one), head, rows)


def spread_table(one: SetResult, k: int) -> Table:
    """What the lists are like: how much of the catalogue they show, how unlike and how little known it is."""
    measures = [measure for measure in SPREAD if any(scored.measures[measure] for scored in one.contestants)]
    head = ["", *(NAMES[measure].format(k=k) for measure in measures)]
    rows = [[s.contestant, *(show(s.measures[measure]) for measure in measures)] for s in one.present]
    return Table(f"{one.name}: what the lists are like", head, rows)


def absent_contestants(one: SetResult) -> list[str]:
    """Who took no part in a set, and why."""
    return [f"{scored.contestant}: {scored.absent}" for scored in one.contestants if scored.absent]


def summary(found: Evaluation) -> list[str]:
    """What was measured, in sentences."""
    spaces = ", ".join(found.spaces)
    lacking = found.products - found.pool
    lines = [
        f"{found.products:,} products; spaces: {spaces}"
        + (f"; {lacking:,} products that one of them lacks are left out" if lacking else ""),
        f"answers of {found.options.k}, up to {found.options.questions:,} questions a set, seed {found.options.seed}",
        "intervals hold 95 % of bootstrap means, * marks a difference whose interval excludes 0",
    ]
    if found.cut.split is not None:
        lines.append(
            f"{found.cut.signals:,} signals of {found.cut.people:,} people; {found.cut.note} "
            f"({found.cut.training:,} known, {found.cut.test:,} held out)"
        )
    return lines


def missing(found: Evaluation) -> list[str]:
    """Sets and contestants that this catalogue does not have, and what the figures cannot show."""
    return [f"{one.name}: {one.why}" for one in found.absent] + list(found.notes)


def tables(found: Evaluation) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Title, head and rows of everything, for the terminal."""
    yield "\n".join(summary(found)), [], []
    for one in found.sets:
        for table in (accuracy_table(one, found.options.k), spread_table(one, found.options.k)):
            yield f"\n{table.title}", table.head, table.rows
        for line in absent_contestants(one):
            yield f"not asked: {line}", [], []
    for absent in found.absent:
        yield f"not shown: {absent.name}: {absent.why}", [], []
    for note in found.notes:
        yield f"note: {note}", [], []


def _title(one: SetResult) -> str:
    units = "" if one.units == one.questions else f" of {one.units:,} {one.unit}"
    cold = "" if one.cold_questions is None else f", {one.cold_questions:,} with something cold to find"
    return f"{one.name}: {one.about}. {one.questions:,} questions{units}{cold}."
