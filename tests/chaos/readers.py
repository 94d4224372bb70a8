"""Readers that ask while everything changes, and what an answer must be."""

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Protocol

import numpy as np
import psycopg

from tests.chaos.audit import Connection
from tests.chaos.content import Vector, decoded
from tests.chaos.replay import Replay
from tests.chaos.server import Server
from tests.chaos.verdict import Verdict

# A store is dated when it is written; it is seen when it is committed, and not any more when the next one is: on a busy
# machine some seconds later.
SLACK_SECONDS = 10.0
# Scores are computed from halves in single precision.
SCORE_ATOL = 2e-3

SIMILAR = "SELECT product_id, score, space FROM similar_products(%s, 10)"
VIEW = (
    "SELECT e.product_id, -(e.fused <#> q.fused) AS score, vector_dims(e.fused)::text FROM active_embeddings e,"
    " (SELECT fused FROM active_embeddings WHERE sku = %s) q ORDER BY e.fused <#> q.fused, e.product_id LIMIT 10"
)


@dataclass(frozen=True)
class Answer:
    """What one query gave: products (ids or skus) with scores, and what it said of its space.

    ``about`` is a sku, or for the door ``text`` the query itself; it was asked and answered from ``began`` to
    ``ended``, seconds of the epoch.
    """

    door: str
    about: str
    began: float
    ended: float
    space: str
    items: Sequence[tuple[int | str, float]]


class Refused(Exception):
    """Raised by a door whose answer is an error; ``absent`` when the server could not reach its database."""

    def __init__(self, message: str, *, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class Door(Protocol):
    """One way to ask."""

    def ask(self, about: str) -> tuple[str, str, Sequence[tuple[int | str, float]]]:
        """The door's name, the space that answered, and the items.

        Raises:
            Refused: there is no answer.
        """

    def close(self) -> None:
        """Hang up."""


@dataclass
class SqlDoor:
    """A connection, as analysts have; ``query`` gives product id, score and something that tells the space."""

    dsn: str
    name: str
    query: str
    _connection: Connection | None = None

    def ask(self, about: str) -> tuple[str, str, Sequence[tuple[int | str, float]]]:
        """See ``Door.ask``."""
        try:
            if self._connection is None:
                self._connection = psycopg.connect(
                    self.dsn,
                    autocommit=True,
                    application_name="chaos-reader",
                    options="-c search_path=shelfmate,public",
                )
            rows = self._connection.execute(self.query, [about]).fetchall()
        except psycopg.Error as error:
            absent = isinstance(error, psycopg.OperationalError) and (
                self._connection is None or self._connection.broken
            )
            self.close()
            raise Refused(f"{type(error).__name__}: {error}", absent=absent) from error
        if len({row[2] for row in rows}) > 1:
            raise Refused(f"an answer of several spaces: {rows}")
        return self.name, rows[0][2] if rows else "", [(row[0], row[1]) for row in rows]

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Reader:
    """A thread that asks at one door about products that nobody changes."""

    server: Server
    door: Door
    abouts: Sequence[str]
    seed: str
    pause: float
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    excused: int = 0
    longest: float = 0.0
    stopping: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._thread = Thread(target=self._run, name=f"reader {self.seed}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def end(self) -> None:
        """Finish the query in hand."""
        self.stopping.set()
        self._thread.join()
        self.door.close()

    def _run(self) -> None:
        while not self.stopping.wait(self._random.expovariate(1 / self.pause)):
            self._ask(self._random.choice(self.abouts))

    def _ask(self, about: str) -> None:
        began = time.time()
        try:
            door, space, items = self.door.ask(about)
        except Refused as error:
            if error.absent and self.server.was_down(began, time.time()):
                self.excused += 1
                time.sleep(0.05)
            else:
                self.failures.append(f"{self.door} about {about} at {began:.3f}: {error}")
            return
        ended = time.time()
        self.longest = max(self.longest, ended - began)
        self.answers.append(Answer(door, about, began, ended, space, items))


def check_answers(answers: Sequence[Answer], replay: Replay, verdict: Verdict) -> None:
    """Every item's score must be the one that the answer's space gives: then all items are of one space."""
    numbers: dict[int | str, set[int]] = defaultdict(set)
    for product_id, sku in replay.skus.items():
        numbers[sku].add(product_id)
        numbers[product_id].add(product_id)
    for answer in answers:
        if not answer.items:
            verdict.add("empty", f"{answer}")
        # The view does not name its space, but no two have as many dimensions.
        spaces = [
            number
            for number, name in replay.names.items()
            if answer.space in {name, str(sum(replay.recipes[name].dimensions))}
        ]
        if not any(_is_of(space, answer, numbers, replay) for space in spaces):
            verdict.add("mixed", f"{spaces} do not give {answer}")


def _is_of(space: int, answer: Answer, numbers: dict[int | str, set[int]], replay: Replay) -> bool:
    if answer.door == "text":
        queries = [replay.recipes[replay.names[space]].query(answer.about)]
    else:
        queries = [vector for number in numbers[answer.about] for vector in _valid(number, space, answer, replay)]
    return all(
        any(
            abs(float(np.dot(query, vector)) - score) < SCORE_ATOL
            for number in numbers[item]
            for vector in _valid(number, space, answer, replay)
            for query in queries
        )
        for item, score in answer.items
    )


def _valid(number: int, space: int, answer: Answer, replay: Replay) -> list[Vector]:
    """The vectors that a query of that time may have met."""
    stored = replay.stored.get((number, space), [])
    ends = [*(at for at, _ in stored[1:]), float("inf")]
    return [
        decoded(vector)
        for (at, vector), end in zip(stored, ends, strict=False)
        if at < answer.ended and end + SLACK_SECONDS > answer.began
    ]
