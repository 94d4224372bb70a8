"""The life of a space: made, activated, rolled back, retired, resumed. ``filling`` fills it, ``dropping`` drops it."""

import re
import time
from collections.abc import Callable, Sequence

from psycopg.errors import LockNotAvailable, UniqueViolation

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import Conflict, InvalidInput, NotFound
from backend.spaces.models import SpaceModel
from backend.spaces.recipe import Recipe
from backend.spaces.space import Space, insert_space, list_spaces
from backend.spaces.waiting import lock_holder

SQL = load_queries("spaces")

NAME = re.compile(r"[a-z0-9][a-z0-9._+-]{0,99}")
# Products that were inserted a moment ago are embedded within seconds; more than that is no matter of a moment.
A_HANDFUL = 100
PAUSE = 0.1
# For so many seconds a moment is sought at which nothing at all is missing; in a busy shop there may be none, and what
# was queued so lately, in seconds, is then left to the worker, as it is right after an insert.
STRICT = 0.3
MOST_LATE = 10.0


def find_space(database: Database, name: str) -> Space:
    """The space of that name.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    spaces = list_spaces(database, from_primary=True)
    for space in spaces:
        if space.name == name:
            return space
    raise unknown_space(name, spaces)


def unknown_space(name: str, spaces: Sequence[Space]) -> NotFound:
    """The error for a name that none of the spaces has."""
    known = ", ".join(space.name for space in spaces) or "none"
    return NotFound(f"there is no embedding space {name!r}; there are: {known}")


def check_name(database: Database, name: str) -> None:
    """Refuse a name that no new space can have.

    Raises:
        InvalidInput: it is not of the form that names have.
        Conflict: a space has it already.
    """
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name of a space: up to 100 small letters, digits and . _ + -, a letter or digit first",
            field="name",
        )
    if any(space.name == name for space in list_spaces(database, from_primary=True)):
        raise _taken(name)


def create_space(
    database: Database,
    name: str,
    recipe: Recipe,
    models: Sequence[SpaceModel] = (),
    *,
    patience: float = 60,
    report: Callable[[str], None] = lambda _: None,
) -> Space:
    """Make a space of a recipe and of what was fitted for it; workers fill it afterwards.

    It waits, up to ``patience`` seconds, for transactions that hold products open for writing: a partition refers to
    them. Between two tries others go on.

    Raises:
        InvalidInput: the name or the recipe does not fit.
        Conflict: a space of that name exists, or somebody held the products all the time.
        ConfigurationError: there is no such encoder, or its weights are missing.
    """
    check_name(database, name)
    deadline = time.monotonic() + patience
    while True:
        try:
            with database.write() as connection:
                connection.execute(SQL["hurry_much"])
                insert_space(connection, name, recipe, models)
        except UniqueViolation as error:
            raise _taken(name) from error
        except LockNotAvailable as error:
            holder = lock_holder(database, "product_writers")
            if time.monotonic() >= deadline:
                raise Conflict(f"the space {name} could not be made: {holder} has products open for writing") from error
            report(f"waiting for {holder}, which has products open for writing")
            time.sleep(PAUSE)
        else:
            return find_space(database, name)


def activate(database: Database, name: str, *, force: bool = False, patience: float = 5) -> Space:
    """Answer queries from a space from now on: one short transaction, tried again for ``patience`` seconds.

    Tried again is what mends itself: a handful of products that were inserted just now, and an analyst's query that
    reads the view ``active_embeddings``. Where products come in all the time, those of the last seconds may still be
    missing. ``force`` activates a space that is not filled, too.

    Raises:
        NotFound: there is no such space.
        Conflict: it is not filled, lacks products that the active one has, is retired, or the view is in use all the
            time; the message says what to do.
    """
    find_space(database, name)
    _retry(database, "activate", {"name": name, "force": force}, patience, catches_up=True)
    return find_space(database, name)


def roll_back(database: Database, *, force: bool = False, patience: float = 5) -> Space:
    """Answer queries from the space that was active before; as ``activate`` otherwise.

    Raises:
        Conflict: none was, or it cannot be activated; the message says why.
    """
    return find_space(database, str(_retry(database, "roll_back", {"force": force}, patience, catches_up=True)))


def retire(database: Database, name: str) -> Space:
    """Keep a space up no more: what is inserted and edited from now on is not embedded in it.

    Raises:
        NotFound: there is no such space.
        Conflict: it is active.
    """
    space = find_space(database, name)
    _retry(database, "retire", {"name": name}, 5)
    clear_jobs(database, space)
    return find_space(database, name)


def resume(database: Database, name: str) -> Space:
    """Fill a retired space again; what has not changed meanwhile is not encoded anew.

    Raises:
        NotFound: there is no such space.
        Conflict: it is not retired.
    """
    find_space(database, name)
    _retry(database, "resume", {"name": name}, 5)
    return find_space(database, name)


def clear_jobs(database: Database, space: Space, most: int = 5_000) -> None:
    """Delete the jobs of a retired space; a worker that holds one finds its result refused."""
    deleted = most
    while deleted:
        with database.write() as connection:
            deleted = connection.execute(SQL["clear_jobs"], {"space_id": space.id, "most": most}).rowcount


def _retry(
    database: Database, statement: str, arguments: dict[str, object], patience: float, *, catches_up: bool = False
) -> object:
    """Run a statement until it is not refused; with ``catches_up`` also while a worker is at what is missing."""
    began = time.monotonic()
    deadline = began + patience
    waiting = 1
    while True:
        is_late = time.monotonic() - began >= min(STRICT, patience)
        try:
            with database.write() as connection:
                connection.execute(SQL["hurry"])
                row = connection.execute(SQL[statement], arguments | {"lately": MOST_LATE * is_late}).fetchone()
        except LockNotAvailable as error:
            if time.monotonic() >= deadline:
                raise Conflict(
                    f"{lock_holder(database, 'view_holders')} holds the view active_embeddings or the spaces: wait "
                    "until it has ended, or end it by SELECT pg_terminate_backend(PROCESS)"
                ) from error
        except Conflict:
            if not catches_up or time.monotonic() >= deadline:
                raise
            before, now_waiting = waiting, _count_waiting(database, arguments.get("name"))
            # Nothing waits: either the worker has just done it, and the next try succeeds, or nothing will mend it.
            if now_waiting is None or (is_late and (now_waiting > A_HANDFUL or before == now_waiting == 0)):
                raise
            waiting = now_waiting
        else:
            return row and row[0]
        time.sleep(PAUSE)


def _count_waiting(database: Database, name: object) -> int | None:
    """How many products a filled space has yet to embed, one more than a handful at most; None if it is not kept up."""
    with database.primary() as connection:
        row = connection.execute(SQL["catching_up"], {"name": name, "most": A_HANDFUL + 1}).fetchone()
    return None if row is None else int(row[0])


def _taken(name: str) -> Conflict:
    return Conflict(
        f"there is an embedding space {name} already: choose another name, or drop that one first", field="name"
    )
