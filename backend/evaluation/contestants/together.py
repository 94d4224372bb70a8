"""What was bought together, counted before the cut: the classic of shops, which knows nothing of a new product."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg import Connection

from backend.database.connection import Row
from backend.evaluation.contestants.contestant import Answer, excluded
from backend.evaluation.held_out import Asked, AskedPerson, AskedProduct, HeldOutSet
from backend.evaluation.signals import SQL

# Buyers of one product who are looked at: more would not change what is first, and take seconds.
MOST_PEOPLE = 2_000
# Products of a history that are looked at, the latest.
MOST_HISTORY = 50


@dataclass(frozen=True)
class Together:
    """Products by the number of people who bought them and the product asked for, or one of the person's history."""

    connection: Connection[Row] = field(repr=False)
    name: str = "bought together"
    is_baseline: bool = True

    def answers(self, one: HeldOutSet, k: int) -> Sequence[Answer] | str:
        """See ``Contestant.answers``."""
        if one.kind == "hard title":
            return "it does not look at titles: its answers would be those to the plain ones"
        return [self._answer(question, k) for question in one.questions]

    def _answer(self, question: Asked, k: int) -> Answer:
        seen: Sequence[int] = ()
        user_id = None
        if isinstance(question, AskedProduct):
            seen = [question.product_id]
        elif isinstance(question, AskedPerson):
            seen, user_id = question.history[:MOST_HISTORY], question.user_id
        given = {
            "product_ids": list(seen),
            "user_id": user_id,
            "exclude": list(excluded(question)),
            "most": MOST_PEOPLE,
            "k": k,
        }
        return [product for (product,) in self.connection.execute(SQL["companions"], given).fetchall()]
