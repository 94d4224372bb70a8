"""Spaces that were asked for and are not there yet: a worker fits what they need and makes them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import Conflict, NotFound
from backend.spaces.life import check_name
from backend.spaces.recipe import Recipe, from_plan

SQL = load_queries("plans")


@dataclass(frozen=True)
class Plan:
    """A space that is to be: ``progress`` is what the worker said last, ``error`` why it gave up."""

    name: str
    recipe: Recipe
    state: Literal["waiting", "fitting", "failed"]
    progress: str | None
    error: str | None
    requested_at: datetime
    started_at: datetime | None


def request_plan(database: Database, name: str, recipe: Recipe) -> Plan:
    """Ask for a space; a plan of that name that failed before is replaced.

    Raises:
        InvalidInput: the name does not fit.
        Conflict: a space or a plan of that name is there already.
    """
    check_name(database, name)
    with database.write() as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(SQL["request"], {"name": name, "plan": Jsonb(recipe.to_plan())}).fetchone()
        if row is None:
            raise Conflict(
                f"a space {name} is being made already: choose another name, or wait until it is there", field="name"
            )
        cursor.execute(SQL["wake"])
    return _as_plan(row)


def list_plans(database: Database) -> list[Plan]:
    """What was asked for and is not there yet, oldest first."""
    with database.primary() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return [_as_plan(row) for row in cursor.execute(SQL["list"]).fetchall()]


def find_plan(database: Database, name: str) -> Plan | None:
    """The plan of this name, if there is one."""
    return next((plan for plan in list_plans(database) if plan.name == name), None)


def cancel_plan(database: Database, name: str) -> None:
    """Forget a plan that waits or failed.

    Raises:
        NotFound: there is none of that name.
        Conflict: a worker fits it at this moment.
    """
    with database.write() as connection:
        row = connection.execute(SQL["cancel"], {"name": name}).fetchone()
    was_there, is_gone = row or (False, False)
    if not was_there:
        raise NotFound(f"no space and no plan named {name}")
    if not is_gone:
        raise Conflict(f"a worker fits the space {name} at this moment: drop it when it is there", field="name")


def _as_plan(row: dict[str, Any]) -> Plan:
    return Plan(recipe=from_plan(row.pop("plan")), **row)
