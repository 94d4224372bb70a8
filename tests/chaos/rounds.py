"""A run: rounds of faults under load, each followed by a rest in which everything must come right."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg

from backend.database.connection import Database, with_search_path
from backend.database.migrate import upgrade
from backend.settings import Settings
from tests.chaos import audit, spaces
from tests.chaos.checker import check_operations, check_state
from tests.chaos.clients import Client
from tests.chaos.content import ONE, RECIPES, TWO
from tests.chaos.fleet import Fleet, wait_until
from tests.chaos.history import History
from tests.chaos.http import HttpDoor, serving
from tests.chaos.patient import Patient
from tests.chaos.readers import SIMILAR, VIEW, Answer, Door, Reader, SqlDoor, check_answers
from tests.chaos.replay import Replay
from tests.chaos.report import lost_leases, recoveries, spread
from tests.chaos.server import Server
from tests.chaos.verdict import Verdict

CLIENTS = 3
WORKERS = 3
STABLE = [f"stable-{number}" for number in range(40)]
TEXTS = ["red linen dress", "leather boot for winter", "slim cotton shirt", "kids running shoe"]
HOLDERS = "SELECT DISTINCT split_part(worker, ':', 2)::int FROM shelfmate.embedding_jobs WHERE state = 'leased'"
WAITING = """
SELECT EXISTS (SELECT FROM shelfmate.embedding_jobs WHERE state <> 'dead')
    OR EXISTS (SELECT FROM shelfmate.embedding_spaces WHERE filled_at IS NULL AND state <> 'retired')
"""
LONG_OUTAGE = 25.0
# A worker's, on a machine that is busy.
SECONDS_TO_START = 60.0
KINDS = ("lost", "doubled", "stale", "unfenced", "mixed", "error")


@dataclass(frozen=True)
class Plan:
    """The faults of one round; ``rate``: operations a second of each client."""

    kills: int
    stops: int
    pauses: int
    swaps: int
    rate: float


@dataclass
class Run:
    """A server with its clients, readers, workers and the record of them; a context manager."""

    server: Server
    seed: int
    log: Path
    products: int
    settings: dict[str, str]
    "Environment of the workers."
    recover_within: float = 30.0
    "Seconds from the last fault until nothing is left to do."
    longest_swap: float = 1.0
    "Seconds of an activation or a rollback while nothing is broken."
    verdict: Verdict = field(default_factory=Verdict)
    history: History = field(default_factory=History)
    rests: list[float] = field(default_factory=list)
    operations: Counter[str] = field(default_factory=Counter)
    answers: list[Answer] = field(default_factory=list)
    answered: int = 0
    excused: int = 0
    longest: dict[str, float] = field(default_factory=lambda: {"operation": 0.0, "query": 0.0, "write that waits": 0.0})
    waited: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    lives: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)
    _eyes: "psycopg.Connection[tuple[Any, ...]] | None" = None

    def __post_init__(self) -> None:
        self.replay = Replay(RECIPES, self.verdict)
        self.changes = spaces.Changes(self.server, self.longest_swap)
        environment = self.settings | {"DATABASE_URL": self.server.dsn}
        self.fleet = Fleet(WORKERS, environment, self.log, self._may_end)
        default = Settings.model_fields["lease_seconds"].default
        self.lease_seconds = float(self.settings.get("SHELFMATE_LEASE_SECONDS", default))
        self._random = random.Random(f"{self.seed} faults")

    def __enter__(self) -> Self:
        self._stack.callback(self.fleet.end)
        self._stack.enter_context(self.changes.database)
        upgrade(Database(with_search_path(self.server.dsn)))
        with self._connected() as connection:
            audit.install(connection)
            spaces.create(connection, ONE)
            spaces.create(connection, TWO)
        first = Client(self.server.dsn, self.history, f"{self.seed} first", 1.0)
        first.fill([f"S{number}" for number in range(self.products)])
        first.fill(STABLE)
        self.port = self._stack.enter_context(serving(self.server.dsn, self.log.with_name("server.log")))
        self.rest()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._eyes is not None:
            self._eyes.close()
        self._stack.close()

    def round(self, plan: Plan) -> None:
        """Faults under load, a rest, activations under load, a rest; what is wrong is in the verdict."""
        self.rounds += 1
        changer = spaces.Changer(self.changes, f"{self.seed} spaces {self.rounds}")
        with self._load(plan.rate):
            changer.start()
            self._break_things(plan, changer)
        self.lives += changer.lives
        self.rests.append(self.rest(since=self.fleet.faults[-1].at))
        with self._load(plan.rate):
            for _ in range(plan.swaps):
                self.fleet.tend()
                self.changes.swap()
        self.rest()

    def rest(self, since: float | None = None) -> float:
        """Wait until nothing is left to embed, then check everything that happened since the last rest.

        Returns the seconds that it took, from ``since`` where that is given.
        """
        began = time.time() if since is None else since
        if not wait_until(self._is_done, self.recover_within + 30, 0.05):
            self.verdict.add("late", f"jobs are left {time.time() - began:.0f} s after the last fault")
        seconds = time.time() - began
        if seconds > self.recover_within:
            self.verdict.add("late", f"it took {seconds:.1f} s from the last fault until nothing was left")
        self._check()
        return seconds

    def figures(self) -> dict[str, Any]:
        """What the run can show."""
        faults = Counter(fault.kind for fault in self.fleet.faults)
        recovered = recoveries(self.fleet.faults, self.replay.holds)
        outages = [ended - began for began, ended in self.server.outages]
        wrong = self.verdict.counts
        return {
            "seed": self.seed,
            "kills": faults["kill"],
            "kills of a worker that held jobs": len(recovered),
            "pauses past the lease": faults["pause"],
            "leases that ran out meanwhile": lost_leases(self.fleet.faults, self.replay.holds),
            "stops of Postgres": len(outages),
            "operations": dict(self.operations),
            "vectors stored": self.replay.stores,
            "jobs ended unchanged": self.replay.unchanged,
            **{kind: wrong[kind] for kind in KINDS},
            "other violations": sum(wrong.values()) - sum(wrong[kind] for kind in KINDS),
            "dead": self.replay.died,
            "answers checked": self.answered,
            "seconds from the last fault of a round until all is done": spread(self.rests),
            "seconds from a kill until what it held is done": spread(recovered),
            "seconds of an outage of Postgres": spread(outages),
            "whole lives of a space": self.lives,
            "changes of spaces refused while workers were dead": self.changes.refused,
            **{f"seconds of {what}": spread(seconds) for what, seconds in self.changes.seconds.items()},
            "writes that were embedded when told so": self.waited["kept"],
            **{f"longest {what} in seconds": round(seconds, 3) for what, seconds in self.longest.items()},
        }

    def _break_things(self, plan: Plan, changer: spaces.Changer) -> None:
        # One kill is kept for the end, from which the recovery counts.
        faults = ["kill"] * (plan.kills - 1) + ["stop"] * plan.stops + ["pause"] * plan.pauses
        self._random.shuffle(faults)
        while faults:
            if faults[-1] == "stop" and not self.server.may_stop() and set(faults) != {"stop"}:
                faults.insert(0, faults.pop())
                continue
            self.fleet.tend()
            fault = faults.pop()
            if fault == "stop":
                wait_until(self._may_stop, 60, 0.1)
                # One a round is away for longer than any patience.
                away = LONG_OUTAGE if self._random.random() * plan.stops < 1 and plan.stops >= 10 else 0.0
                self.server.stop_at_once(away)
            elif fault == "kill":
                # Some at any moment, most while they are at it.
                victim = self._victim() if self._random.random() < 0.8 else self._anybody()
                self.fleet.kill(victim)
            else:
                self.fleet.pause(self._victim(), self.lease_seconds + self._random.uniform(0.2, 3))
        while len(self.fleet.at_work()) < len(self.fleet.hands):
            self.fleet.tend()
            time.sleep(0.05)
        changer.end()
        self.fleet.kill(self._victim())

    def _may_end(self, started: float, ended: float) -> bool:
        """A worker that finds no server when it starts says so and ends; whoever runs it starts it again."""
        return self.server.was_down(started, min(ended, started + SECONDS_TO_START))

    def _may_stop(self) -> bool:
        self.fleet.tend()
        return self.server.may_stop()

    def _victim(self) -> int:
        """A worker that holds jobs, where one does within a few seconds."""
        found: list[int] = []

        def holds() -> bool:
            self.fleet.tend()
            found[:] = [pid for pid in self._holders() if pid in self.fleet.at_work()]
            return bool(found)

        if not wait_until(holds, 5):
            found = list(self.fleet.at_work())
        return self._random.choice(sorted(found))

    def _anybody(self) -> int:
        time.sleep(self._random.uniform(0, 0.5))
        self.fleet.tend()
        return self._random.choice(sorted(self.fleet.at_work()))

    def _holders(self) -> list[int]:
        """Asked again and again: on one connection, as long as that lives."""
        if self._eyes is None or self._eyes.closed:
            self._eyes = self._connected()
        try:
            return [row[0] for row in self._eyes.execute(HOLDERS).fetchall()]
        except psycopg.OperationalError:
            self._eyes.close()
            return []

    @contextmanager
    def _load(self, rate: float) -> Iterator[None]:
        name = f"{self.seed} {self.rounds} {len(self.rests)}"
        clients = [Client(self.server.dsn, self.history, f"{name} {n}", rate) for n in range(CLIENTS)]
        doors: list[Door] = [
            SqlDoor(self.server.dsn, "similar_products", SIMILAR),
            SqlDoor(self.server.dsn, "active_embeddings", VIEW),
            HttpDoor(self.port, name),
        ]
        readers = [
            Reader(self.server, door, STABLE + TEXTS * isinstance(door, HttpDoor), f"{name} {n}", 0.05)
            for n, door in enumerate(doors)
        ]
        patient = Patient(self.server, self.port, name, 0.3)
        threads: list[Client | Reader | Patient] = [*clients, *readers, patient]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.end()
        for client in clients:
            self._note(client.failures, "refused")
            self.longest["operation"] = max(self.longest["operation"], client.longest)
        self._note(patient.failures, "error")
        self.waited["kept"] += patient.kept
        self.waited["excused"] += patient.excused
        self.longest["write that waits"] = max(self.longest["write that waits"], patient.longest)
        for reader in readers:
            self._note(reader.failures, "error")
            self.answers += reader.answers
            self.excused += reader.excused
            self.longest["query"] = max(self.longest["query"], reader.longest)

    def _note(self, failures: list[str], kind: str) -> None:
        for failure in failures:
            self.verdict.add(kind, failure)

    def _is_done(self) -> bool:
        self.fleet.tend()
        with self._connected() as connection:
            return connection.execute(WAITING).fetchone() == (False,)

    def _check(self) -> None:
        with self._connected() as connection:
            events = audit.take(connection)
            operations = self.history.take()
            check_operations(operations, audit.operations(connection), events, self.verdict)
            self.replay.feed(events)
            check_state(connection, self.replay, self.verdict)
        self.operations.update(operation.outcome for operation in operations.values())
        check_answers(self.answers, self.replay, self.verdict)
        self.answered += len(self.answers)
        self.answers.clear()
        self._note(self.fleet.unasked, "ended")
        self._note(self.changes.failures, "error")
        self.fleet.unasked.clear()
        self.changes.failures.clear()

    def _connected(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(self.server.dsn, autocommit=True, application_name="chaos-checker")
