"""Embedding spaces as contestants: asked by the published SQL functions, as users ask."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import Connection
from psycopg.types.json import Jsonb

from backend.database.connection import Row
from backend.errors import ConfigurationError
from backend.evaluation.answers import Answers, Method
from backend.evaluation.contestants.contestant import Answer
from backend.evaluation.contestants.together import MOST_HISTORY
from backend.evaluation.held_out import AskedPerson, AskedProduct, HeldOutSet
from backend.evaluation.signals import SQL
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import Vectors
from backend.spaces.space import Space

# Hard titles that are encoded, and vectors that are read, at once.
AT_ONCE = 256
MODALITIES: dict[Method, str] = {"text alone": "text", "image alone": "image", "reviews alone": "reviews"}


@dataclass
class Opened:
    """A space that is asked, with what its contestants share: answers that came already, and its encoders."""

    connection: Connection[Row]
    space: Space
    answers: Answers
    embedder: Embedder
    cut_at: datetime | None
    _hard: dict[str, dict[int, NDArray[np.float32]]] = field(default_factory=dict)

    def hard_queries(self, one: HeldOutSet) -> dict[int, NDArray[np.float32]]:
        """Fused query vectors by product id: the product's own, its text block encoded anew with the hard title.

        A product that went meanwhile has none.

        Raises:
            ConfigurationError: the encoder is not on this machine, or is another version.
        """
        if one.name not in self._hard:
            rows: dict[int, NDArray[np.float32]] = {}
            for start in range(0, len(one.products), AT_ONCE):
                rows |= self._encode(one.products[start : start + AT_ONCE])
            self._hard[one.name] = rows
        return self._hard[one.name]

    def _encode(self, asked: Sequence[AskedProduct]) -> dict[int, NDArray[np.float32]]:
        given = {"product_ids": [question.product_id for question in asked]}
        described = {row[0]: row[1:] for row in self.connection.execute(SQL["described"], given).fetchall()}
        stored: dict[int, Any] = dict(
            self.connection.execute(SQL["stored"], given | {"space_id": self.space.id}, binary=True).fetchall()
        )
        there = [question for question in asked if question.product_id in described and question.product_id in stored]
        if not there:
            return {}
        texts = []
        for question in there:
            _, *fields, _ = described[question.product_id]
            texts.append(self.space.texts_of(question.hard_title or "", *fields))
        blocks: Vectors = self.embedder.product_texts(self.space, texts)
        fused = np.stack([stored[question.product_id].to_numpy() for question in there]).astype(np.float32)
        fused[:, : self.space.text_dimensions] = blocks * np.float32(self.space.text_weight**0.5)
        return {question.product_id: row for question, row in zip(there, fused, strict=True)}

    def factors(self, method: Method) -> list[float] | None:
        """What ``rank_products`` multiplies the modalities' parts by, so that one alone has weight 1."""
        if method == "fused":
            return None
        weights = zip(MODALITIES.values(), self.space.weights, strict=True)
        return [1 / weight if name == MODALITIES[method] else 0.0 for name, weight in weights]


@dataclass(frozen=True)
class SpaceAsked:
    """A space asked for products by all its modalities, or by one; for a person by ``recommend_for_user``.

    One modality alone answers for a person with what is most like the mean of their history.
    """

    opened: Opened = field(repr=False)
    method: Method = "fused"

    @property
    def name(self) -> str:
        """The space's name, and the modality."""
        name = self.opened.space.name
        return name if self.method == "fused" else f"{name}: {self.method}"

    @property
    def is_baseline(self) -> bool:
        """One modality alone is what fusion has to beat."""
        return self.method != "fused"

    def answers(self, one: HeldOutSet, k: int) -> Sequence[Answer] | str:
        """See ``Contestant.answers``."""
        if one.kind == "person":
            return _for_people(self.opened, one, k) if self.method == "fused" else _like_mean(self, one, k)
        self.opened.answers.note_lacking(one.products)
        is_hard = one.kind == "hard title" and self.method in ("fused", "text alone")
        if is_hard and self.opened.space.text_dimensions:
            return self._hard(one, k)
        hits = [self.opened.answers.of(question, self.method) for question in one.products]
        return [None if found is None else [hit.product_id for hit in found[:k]] for found in hits]

    def _hard(self, one: HeldOutSet, k: int) -> Sequence[Answer] | str:
        opened = self.opened
        try:
            queries = opened.hard_queries(one)
        except ConfigurationError as error:
            return f"the titles cannot be encoded here: {error}"
        given = {"space": opened.space.name, "k": k, "factors": opened.factors(self.method)}
        found: list[Answer] = []
        for question in one.products:
            query = queries.get(question.product_id)
            if query is None or opened.answers.lacks(question.product_id, self.method):
                found.append(None)
                continue
            asked = given | {"fused": HalfVector(query), "product_id": question.product_id}
            found.append([row[0] for row in opened.connection.execute(SQL["by_vector"], asked).fetchall()])
        return found


@dataclass(frozen=True)
class SpaceMean:
    """A space asked for what is most like the mean of a person's history, interests blurred into one."""

    opened: Opened = field(repr=False)
    method: Method = "fused"
    is_baseline: bool = True

    @property
    def name(self) -> str:
        """The space's name, and how it is asked."""
        return f"{self.opened.space.name}: mean of history"

    def answers(self, one: HeldOutSet, k: int) -> Sequence[Answer] | str:
        """See ``Contestant.answers``."""
        if one.kind != "person":
            return "it is asked for people only"
        return _like_mean(self, one, k)


def _for_people(opened: Opened, one: HeldOutSet, k: int) -> list[Answer]:
    skus = _skus(opened, one.people)
    found: list[Answer] = []
    for question in one.people:
        given: dict[str, Any] = {"k": k, "space": opened.space.name}
        if opened.cut_at is None:
            events = [{"sku": skus[id_], "kind": "purchase"} for id_ in question.history[:MOST_HISTORY] if id_ in skus]
            rows = opened.connection.execute(SQL["for_session"], given | {"events": Jsonb(events)}).fetchall()
        else:
            # What happened at the cut itself is held out, whichever way the function takes a signal of that moment.
            as_of = opened.cut_at - timedelta(microseconds=1)
            rows = opened.connection.execute(
                SQL["for_user"], given | {"user_id": question.user_id, "as_of": as_of}
            ).fetchall()
        found.append([row[0] for row in rows])
    return found


def _like_mean(asked: SpaceAsked | SpaceMean, one: HeldOutSet, k: int) -> list[Answer]:
    opened, method = asked.opened, asked.method
    skus = _skus(opened, one.people)
    opened.answers.note_lacking_products(list(skus))
    found: list[Answer] = []
    for question in one.people:
        likes = [
            skus[id_]
            for id_ in question.history[:MOST_HISTORY]
            if id_ in skus and not opened.answers.lacks(id_, method)
        ]
        if not likes:
            found.append(None)
            continue
        query: dict[str, Any] = {
            "like": [{"sku": sku} for sku in likes],
            "exclude": [skus[id_] for id_ in question.history if id_ in skus],
            "k": k,
            "space": opened.space.name,
            "rules": False,
        }
        if method != "fused":
            query["weights"] = {MODALITIES[method]: 1}
        rows = opened.connection.execute(SQL["like_all"], {"query": Jsonb(query)}).fetchall()
        found.append([row[0] for row in rows])
    return found


def _skus(opened: Opened, people: Sequence[AskedPerson]) -> dict[int, str]:
    ids = sorted({product for question in people for product in question.history})
    return dict(opened.connection.execute(SQL["skus"], {"product_ids": ids}).fetchall())
