"""Evaluation sets: products that are asked for, and which others are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg import Connection

from backend.database.connection import Row
from backend.database.queries import load_queries
from backend.evaluation.measures import precision_at_k, recall_at_k

SQL = load_queries("evaluation")

PRECISION_K = 5
# A user who bought more is a reseller or a test account: ten answers can hold no share of it worth a measure.
MOST_PURCHASES = 50


@dataclass(frozen=True)
class Hit:
    """One product of an answer, with its score, how it was found (``exact`` or ``ann``) and its category."""

    product_id: int
    score: float
    mode: str
    category: str | None


@dataclass(frozen=True)
class Question:
    """One product that is asked for.

    A hit is right when it is among ``right`` or, where that is None, when its category is ``category``. ``unit`` is
    what the bootstrap draws (a variant group, a user, or the product alone). ``by_chance`` is the mean score (0 to 1)
    of an answer that is drawn at random from all other products.
    """

    product_id: int
    sku: str
    unit: str
    by_chance: float
    right: frozenset[int] | None = None
    category: str | None = None

    def is_right(self, hit: Hit) -> bool:
        """Whether a product belongs into the answer."""
        return hit.category == self.category if self.right is None else hit.product_id in self.right


@dataclass(frozen=True)
class EvaluationSet:
    """Questions that are judged alike: by precision or by recall among the first ``k``."""

    name: str
    measure: Literal["precision", "recall"]
    k: int
    questions: tuple[Question, ...]

    @property
    def label(self) -> str:
        """The set with its measure, for people: ``same category, P@5``."""
        return f"{self.name}, {'P' if self.measure == 'precision' else 'recall'}@{self.k}"

    def score(self, question: Question, hits: Sequence[Hit]) -> float:
        """0 to 1, of an answer, best first."""
        found = [question.is_right(hit) for hit in hits]
        if self.measure == "precision" or question.right is None:
            return precision_at_k(found, self.k)
        return recall_at_k(found, len(question.right), self.k)


def precision_by_chance(right: int, others: int, k: int) -> float:
    """The mean precision among k drawn without replacement from ``others`` products, ``right`` of which are right."""
    return right / others * min(k, others) / k if others else 0.0


def recall_by_chance(others: int, k: int) -> float:
    """The mean recall among k drawn without replacement from ``others`` products, however many are right."""
    return min(1.0, k / others) if others else 0.0


def read_sets(
    connection: Connection[Row], space_ids: Sequence[int], *, sample: int, k: int, seed: int
) -> list[EvaluationSet]:
    """The evaluation sets that a catalogue has, each of up to ``sample`` questions; one without a question is left out.

    Same category: products in whose category there are others. Colour and size variants: products that share a
    ``variant_group``. Bought together: for a user and a product, the other products that the user bought. Products
    that one of the spaces lacks are neither asked for nor right. The sample depends on skus and ``seed`` only.
    """
    row = connection.execute(SQL["held"], {"space_ids": list(space_ids)}).fetchone()
    others = int(row[0]) - 1 if row else 0
    given = {"space_ids": list(space_ids), "sample": sample, "seed": seed}
    categories = [
        Question(id_, sku, sku, precision_by_chance(right, others, PRECISION_K), category=category)
        for id_, sku, category, right in connection.execute(SQL["same_category"], given).fetchall()
    ]
    chance = recall_by_chance(others, k)
    variants = [
        Question(id_, sku, group, chance, right=frozenset(right))
        for id_, sku, group, right in connection.execute(SQL["variants"], given).fetchall()
    ]
    purchases = [
        Question(id_, sku, user, chance, right=frozenset(right))
        for id_, sku, user, right in connection.execute(SQL["purchases"], given | {"most": MOST_PURCHASES}).fetchall()
    ]
    sets = [
        EvaluationSet("same category", "precision", PRECISION_K, tuple(categories)),
        EvaluationSet("variants", "recall", k, tuple(variants)),
        EvaluationSet("bought together", "recall", k, tuple(purchases)),
    ]
    return [one for one in sets if one.questions]
