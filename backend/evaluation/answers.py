"""What users get: answers of the published SQL functions, each asked once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import psycopg
from psycopg import Connection

from backend.database.connection import Row
from backend.errors import NotFound, NotReady
from backend.evaluation.questions import SQL, Hit

Method = Literal["fused", "text alone", "image alone", "reviews alone"]

_WEIGHTS: dict[Method, tuple[float, float, float]] = {
    "text alone": (1.0, 0.0, 0.0),
    "image alone": (0.0, 1.0, 0.0),
    "reviews alone": (0.0, 0.0, 1.0),
}
# No such product, not embedded yet, could not be embedded: it went or changed since the sample was drawn.
_NO_ANSWER = ("SM001", "SM002", "SM003")


class OfProduct(Protocol):
    """A question about a product."""

    @property
    def product_id(self) -> int:
        """``products.id``."""
        ...

    @property
    def sku(self) -> str:
        """``products.sku``."""
        ...


@dataclass(frozen=True)
class MeasuredSpace:
    """A space as far as it is measured: its dimensions by modality and of all, and how many products it holds."""

    id: int
    name: str
    state: str
    text_dimensions: int
    image_dimensions: int
    reviews_dimensions: int
    fused_dimensions: int
    embedded: int

    @property
    def methods(self) -> tuple[Method, ...]:
        """The ways to ask it: fused and, where there are several modalities, each of them alone."""
        blocks: tuple[tuple[Method, int], ...] = (
            ("text alone", self.text_dimensions),
            ("image alone", self.image_dimensions),
            ("reviews alone", self.reviews_dimensions),
        )
        return ("fused", *(name for name, size in blocks if 0 < size < self.fused_dimensions))


def measured_space(connection: Connection[Row], name: str) -> MeasuredSpace:
    """The space of that name.

    Raises:
        NotFound: there is none.
        NotReady: it holds no product.
    """
    row = connection.execute(SQL["spaces"], {"names": [name]}).fetchone()
    if row is None:
        raise NotFound(f"no embedding space named {name}: shelfmate space list shows those there are")
    space = MeasuredSpace(*row)
    if not space.embedded:
        raise NotReady(f"the embedding space {name} holds no product yet: a worker fills it", retry_after=None)
    return space


@dataclass
class Answers:
    """The answers of one space, ``depth`` products each, kept so that several evaluation sets ask each once."""

    connection: Connection[Row]
    space: MeasuredSpace
    depth: int
    _kept: dict[tuple[str, Method], list[Hit] | None] = field(default_factory=dict)
    _lacking: dict[Method, set[int]] = field(default_factory=dict)

    def note_lacking(self, questions: Sequence[OfProduct]) -> None:
        """Find out which of these products lack a modality: alone, it has no answer for them."""
        self.note_lacking_products([question.product_id for question in questions])

    def note_lacking_products(self, product_ids: Sequence[int]) -> None:
        """The same of products by id."""
        given = {"space_id": self.space.id, "product_ids": list(product_ids)}
        row = self.connection.execute(SQL["lacking"], given).fetchone()
        assert row is not None
        for method, lacking in zip(_WEIGHTS, row, strict=True):
            self._lacking.setdefault(method, set()).update(lacking)

    def lacks(self, product_id: int, method: Method) -> bool:
        """Whether a product that was noted has nothing to say alone."""
        return product_id in self._lacking.get(method, ())

    def of(self, question: OfProduct, method: Method = "fused") -> list[Hit] | None:
        """The answer, best first; None where there is none: the product is gone, or lacks the one modality."""
        if self.lacks(question.product_id, method):
            return None
        key = question.sku, method
        return self._kept[key] if key in self._kept else self.ask(question.sku, method)

    def ask(self, sku: str, method: Method = "fused") -> list[Hit] | None:
        """Ask ``similar_products`` now, and keep the answer."""
        given: dict[str, object] = {"sku": sku, "k": self.depth, "space": self.space.name}
        if method == "fused":
            hits = self._run("similar", given)
        else:
            w_text, w_image, w_reviews = _WEIGHTS[method]
            weights = {"w_text": w_text, "w_image": w_image, "w_reviews": w_reviews}
            hits = self._run("similar_weighted", given | weights)
        self._kept[sku, method] = hits
        return hits

    def ask_exactly(self, sku: str) -> list[Hit] | None:
        """Ask ``similar_products_exact``."""
        return self._run("similar_exact", {"sku": sku, "k": self.depth, "space": self.space.name})

    def _run(self, statement: str, given: dict[str, object]) -> list[Hit] | None:
        try:
            rows = self.connection.execute(SQL[statement], given).fetchall()
        except psycopg.DatabaseError as error:
            if error.sqlstate in _NO_ANSWER:
                return None
            raise
        return [Hit(*row) for row in rows]
