"""What is asked of every contestant: questions whose answers are known and held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["product", "hard title", "person"]


@dataclass(frozen=True)
class Asked:
    """One question, and which products are right.

    A product is right when it is in ``right`` or, where that is None, when its category is ``category``; ``rights`` are
    how many those are in all. ``unit`` is what the bootstrap draws: a variant group, a person, or the product alone.
    """

    unit: str
    rights: int
    right: frozenset[int] | None = None
    category: str | None = None

    def is_right(self, product_id: int, category: str | None) -> bool:
        """Whether a product, with the category it has, belongs into the answer."""
        return category == self.category if self.right is None else product_id in self.right


@dataclass(frozen=True)
class AskedProduct(Asked):
    """What is like this product? The product itself is no answer. ``hard_title`` stands for its title, where given."""

    product_id: int = 0
    sku: str = ""
    hard_title: str | None = None


@dataclass(frozen=True)
class AskedPerson(Asked):
    """What does this person want next? ``history``: what they had to do with before the cut, latest first."""

    user_id: str = ""
    history: tuple[int, ...] = ()


@dataclass(frozen=True)
class HeldOutSet:
    """Questions that are judged alike.

    ``about`` says for people where its questions come from, ``units`` what the bootstrap draws; ``of_signals``: what is
    right happened after the cut, so that a product may be cold.
    """

    name: str
    kind: Kind
    about: str
    questions: tuple[Asked, ...]
    units: str = "products"
    of_signals: bool = False

    @property
    def by_category(self) -> bool:
        """Whether whole categories are right, so that precision says something and recall does not."""
        return any(question.right is None for question in self.questions)

    @property
    def products(self) -> Sequence[AskedProduct]:
        """The questions that are of products."""
        return [question for question in self.questions if isinstance(question, AskedProduct)]

    @property
    def people(self) -> Sequence[AskedPerson]:
        """The questions that are of people."""
        return [question for question in self.questions if isinstance(question, AskedPerson)]


@dataclass(frozen=True)
class Absent:
    """A set that this catalogue does not have, and why: it is said, never left out silently."""

    name: str
    why: str
