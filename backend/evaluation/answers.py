"""What users get: answers of the published SQL functions, each asked once."""

from dataclasses import dataclass, field
from typing import Literal

import psycopg
from psycopg import Connection

from backend.database.connection import Row
from backend.errors import NotFound, NotReady
from backend.evaluation.questions import SQL, Hit, Question

Method = Literal["fused", "text alone", "image alone"]

_WEIGHTS: dict[Method, tuple[float, float]] = {"text alone": (1.0, 0.0), "image alone": (0.0, 1.0)}
# No such product, not embedded yet, could not be embedded: it went or changed since the sample was drawn.
_NO_ANSWER = ("SM001", "SM002", "SM003")


@dataclass(frozen=True)
class MeasuredSpace:
    """A space as far as it is measured: its dimensions of text, image and all, and how many products it holds."""

    id: int
    name: str
    state: str
    text_dimensions: int
    image_dimensions: int
    fused_dimensions: int
    embedded: int

    @property
    def methods(self) -> tuple[Method, ...]:
        """The ways to ask it: fused and, where there are several modalities, each of text and image alone."""
        blocks: tuple[tuple[Method, int], ...] = (
            ("text alone", self.text_dimensions),
            ("image alone", self.image_dimensions),
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

    def note_lacking(self, questions: tuple[Question, ...]) -> None:
        """Find out which of these products lack a modality: alone, it has no answer for them."""
        given = {"space_id": self.space.id, "product_ids": [question.product_id for question in questions]}
        row = self.connection.execute(SQL["lacking"], given).fetchone()
        assert row is not None
        self._lacking.setdefault("text alone", set()).update(row[0])
        self._lacking.setdefault("image alone", set()).update(row[1])

    def of(self, question: Question, method: Method = "fused") -> list[Hit] | None:
        """The answer, best first; None where there is none: the product is gone, or lacks the one modality."""
        if question.product_id in self._lacking.get(method, ()):
            return None
        key = question.sku, method
        return self._kept[key] if key in self._kept else self.ask(question.sku, method)

    def ask(self, sku: str, method: Method = "fused") -> list[Hit] | None:
        """Ask ``similar_products`` now, and keep the answer."""
        given: dict[str, object] = {"sku": sku, "k": self.depth, "space": self.space.name}
        if method == "fused":
            hits = self._run("similar", given)
        else:
            w_text, w_image = _WEIGHTS[method]
            hits = self._run("similar_weighted", given | {"w_text": w_text, "w_image": w_image})
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
