"""The life of spaces as the test drives it: every call is the product's own."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread

from psycopg import OperationalError

from backend.database.connection import Database, with_search_path
from backend.encoders.registry import describe_image_encoder, describe_text_encoder
from backend.errors import Conflict, DatabaseUnavailable, ShelfmateError
from backend.spaces import life, recipe
from backend.spaces.dropping import drop_space
from backend.spaces.space import list_spaces
from tests.chaos.audit import Connection
from tests.chaos.content import ONE, THREE, TWO, Recipe
from tests.chaos.server import Server

# While workers die all the time a fill may take long; the rest after it is what has to be short.
FILL_SECONDS = 30.0
MOST_TRIES = 5
# Seconds for which a swap is tried, however busy the machine is.
PATIENCE = 10.0


def create(connection: Connection, recipe: Recipe, text_version: str | None = None) -> None:
    """Make a space before there are products; ``text_version`` where only the workers know the encoder."""
    versions = [
        text_version or describe_text_encoder(recipe.text).version,
        describe_image_encoder(recipe.image).version,
    ]
    text, image, reviews = recipe.dimensions
    texts = list(recipe.texts)
    reviews_version = describe_text_encoder(recipe.reviews).version if recipe.reviews else None
    connection.execute(
        "SELECT shelfmate.create_space(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
        " reviews_encoder => %s, reviews_version => %s, reviews_dimensions => %s, reviews_weight => %s)",
        [
            *(recipe.name, recipe.text, versions[0], texts, text, recipe.weights[0]),
            *(recipe.image, versions[1], image, recipe.weights[1]),
            *(recipe.reviews, reviews_version, reviews, recipe.weights[2]),
        ],
    )


@dataclass
class Changes:
    """What was done to spaces, with the seconds that it took; ``failures`` are those that nothing excuses."""

    server: Server
    longest_swap: float
    "Seconds that an activation or a rollback may take while nothing is broken."
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    refused: int = 0
    excused: int = 0

    def __post_init__(self) -> None:
        self.database = Database(with_search_path(self.server.dsn))

    def do(self, what: str, call: Callable[[], object], *, calm: bool) -> bool:
        """Whether it was done. While workers die, a space may lack what they held, and be refused for it."""
        began = time.time()
        try:
            call()
        except (DatabaseUnavailable, OperationalError) as error:
            if self.server.was_down(began, time.time()):
                self.excused += 1
            else:
                self.failures.append(f"{what}: {type(error).__name__}: {error}")
            return False
        except ShelfmateError as error:
            if isinstance(error, Conflict) and not calm:
                self.refused += 1
            else:
                self.failures.append(f"{what}: {type(error).__name__}: {error}")
            return False
        seconds = time.time() - began
        if calm or not self.server.was_down(began, time.time()):
            self.seconds.setdefault(what, []).append(seconds)
        if calm and seconds > self.longest_swap:
            self.failures.append(f"{what} took {seconds:.2f} s")
        return True

    def swap(self) -> None:
        """Activate the second space and go back, while all is well but for the load."""
        if self.do("activation", lambda: life.activate(self.database, TWO.name, patience=PATIENCE), calm=True):
            time.sleep(0.2)
            self.do("rollback", lambda: life.roll_back(self.database, patience=PATIENCE), calm=True)
        time.sleep(0.2)


@dataclass
class Changer:
    """A thread that makes, fills, activates, rolls back, retires, resumes and drops a third space, whatever dies."""

    changes: Changes
    seed: str
    stopping: Event = field(default_factory=Event)
    lives: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._thread = Thread(target=self._run, name="changer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Finish the step in hand, and answer from the first space again."""
        self.stopping.set()
        self._thread.join()
        while self._state(ONE.name) != "active":
            self._do("activation", lambda: life.activate(self.changes.database, ONE.name, force=True))

    def _run(self) -> None:
        database = self.changes.database
        text, image, reviews = THREE.weights
        made = recipe.Recipe(
            THREE.text,
            THREE.image,
            THREE.texts,
            text_weight=text,
            image_weight=image,
            reviews=THREE.reviews,
            reviews_weight=reviews,
        )
        steps: list[tuple[str, Callable[[], object]]] = [
            ("creation", lambda: life.create_space(database, THREE.name, made)),
            ("activation", lambda: life.activate(database, THREE.name)),
            ("rollback", lambda: life.roll_back(database)),
            ("retirement", lambda: life.retire(database, THREE.name)),
            ("resumption", lambda: life.resume(database, THREE.name)),
            ("activation", lambda: life.activate(database, THREE.name)),
            ("activation", lambda: life.activate(database, ONE.name)),
            ("drop", lambda: drop_space(database, THREE.name)),
        ]
        # A round may have ended in the middle.
        first = {None: 0, "retired": 4}.get(self._state(THREE.name), 1)
        while not self.stopping.is_set():
            for name, step in steps[first:]:
                # What the dead hold back is refused for long; then life goes on without it.
                for _ in range(MOST_TRIES):
                    if self._do(name, step) or self.stopping.wait(0.2):
                        break
                self.stopping.wait(self._random.uniform(0.05, 0.5))
                if name in {"creation", "resumption"}:
                    self._wait_until_filled()
                if self.stopping.is_set():
                    return
            first = 0 if self._state(THREE.name) is None else 1
            self.lives += 1

    def _do(self, name: str, step: Callable[[], object]) -> bool:
        return self.changes.do(name, step, calm=False)

    def _wait_until_filled(self) -> None:
        deadline = time.monotonic() + FILL_SECONDS
        while self._state(THREE.name) == "building" and not self.stopping.wait(0.1):
            if time.monotonic() > deadline:
                return

    def _state(self, name: str) -> str | None:
        """The state of a space, however long the server is away."""
        while True:
            began = time.time()
            try:
                spaces = list_spaces(self.changes.database, from_primary=True)
            except (DatabaseUnavailable, OperationalError):
                if not self.changes.server.was_down(began, time.time()):
                    raise
                time.sleep(0.1)
            else:
                return next((space.state for space in spaces if space.name == name), None)
