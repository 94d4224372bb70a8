"""Ranking rules: what a shop wants of its lists, whatever is alike. ``recommend`` in SQL applies the active ones."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection, errors
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from backend.catalog.refusals import named_refusals
from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.errors import Conflict, InvalidInput, NotFound

SQL = load_queries("rules")

Action = Literal["boost", "bury", "pin", "hide"]
State = Literal["active", "scheduled", "ended", "disabled"]

# Constraint of migrations/sql/0001/rules.sql: the field, and what it must be.
_ACCEPTED = {
    "ranking_rules_name_check": (
        "name",
        "must be 1 to 100 of a-z, 0-9 and hyphens, and not begin with a hyphen, such as summer-sale",
    ),
    "ranking_rules_action_check": ("action", "must be boost, bury, pin or hide"),
    "ranking_rules_filter_check": ("filter", "is needed, an object, by boost, bury and hide, and not taken by pin"),
    "ranking_rules_amount_check": (
        "amount",
        "is needed, above 0 and at most 1, by boost and bury, and not taken by pin and hide",
    ),
    "ranking_rules_sku_check": ("sku", "is needed by pin, and not taken by boost, bury and hide"),
    "ranking_rules_position_check": (
        "position",
        "is needed, from 1 to 1000, by pin, and not taken by boost, bury and hide",
    ),
    "ranking_rules_placement_check": (
        "placement",
        "must be 1 to 100 characters, without control characters, and without a space at either end",
    ),
    "ranking_rules_starts_at_check": ("starts_at", "must lie between the years 1970 and 9998"),
    "ranking_rules_ends_at_check": ("ends_at", "must lie between the years 1970 and 9998"),
    "ranking_rules_schedule_check": ("ends_at", "must be later than starts_at"),
    "ranking_rules_note_check": ("note", "must not be longer than 2000 characters"),
}


@dataclass(frozen=True)
class RuleData:
    """What a rule does, for which products, where and when.

    ``boost`` and ``bury`` need ``filter`` and ``amount`` (0 to 1, score units), ``hide`` needs ``filter``, ``pin``
    needs ``sku`` and ``position`` (from 1). ``placement`` None is every placement. It applies from ``starts_at`` on,
    until just before ``ends_at``; None leaves that side open.
    """

    action: Action
    filter: Mapping[str, Any] | None = None
    amount: float | None = None
    sku: str | None = None
    position: int | None = None
    placement: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    enabled: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Rule(RuleData):
    """A stored rule; ``state`` is of now, ``missing`` the categories or the product that it names and that are gone."""

    id: int
    name: str
    state: State
    missing: list[str]
    created_at: datetime
    updated_at: datetime


def list_rules(database: Database) -> list[Rule]:
    """All rules, in the order in which they apply."""
    with database.read() as connection:
        return _read(connection, None)


def get_rule(database: Database, name: str) -> Rule:
    """The rule of this name.

    Raises:
        NotFound: there is none.
    """
    with named_refusals(), database.read() as connection:
        return _read_one(connection, name)


def create_rule(database: Database, name: str, data: RuleData) -> Rule:
    """Store a new rule.

    Raises:
        InvalidInput: a value does not fit, the filter cannot be compiled or names a category that does not exist, or
            the product to pin does not exist; the error names the field.
        Conflict: there is a rule of this name already.
    """
    with _refusals(name), database.write() as connection:
        connection.execute(SQL["create"], _values(name, data))
        return _read_one(connection, name)


def put_rule(
    database: Database, name: str, data: RuleData, *, unchanged_since: datetime | None = None
) -> tuple[Rule, bool]:
    """Create the rule, or replace all of it; returns it and whether it was created.

    What a rule names already may have gone from the catalogue since: only what changes is held against it.
    With ``unchanged_since``, the rule must exist and its ``updated_at`` still be that.

    Raises:
        InvalidInput: as of ``create_rule``.
        NotFound: there is no such rule, and it was to be unchanged.
        Conflict: it has been changed since, or another request created it at this moment.
    """
    with _refusals(name), database.write() as connection:
        row = connection.execute(SQL["lock"], {"name": name}).fetchone()
        if unchanged_since is not None:
            if row is None:
                raise _no_rule(name)
            if row[0] != unchanged_since:
                raise Conflict(f"the rule {name} was changed by somebody else meanwhile: look at it again")
        connection.execute(SQL["create" if row is None else "replace"], _values(name, data))
        return _read_one(connection, name), row is None


def enable_rule(database: Database, name: str, enabled: bool) -> None:
    """Switch a rule on or off.

    Raises:
        NotFound: there is no such rule.
    """
    with _refusals(name), database.write() as connection:
        if connection.execute(SQL["enable"], {"name": name, "enabled": enabled}).rowcount == 0:
            raise _no_rule(name)


def delete_rule(database: Database, name: str) -> None:
    """Remove a rule.

    Raises:
        NotFound: there is no such rule.
    """
    with _refusals(name), database.write() as connection:
        if connection.execute(SQL["delete"], {"name": name}).rowcount == 0:
            raise _no_rule(name)


def count_matches(database: Database, filter: Mapping[str, Any], *, check_categories: bool = True) -> int:  # noqa: A002  # the word of the API
    """How many products satisfy a filter; without ``check_categories`` a category that is gone matches nothing.

    Raises:
        InvalidInput: the filter cannot be compiled; the error names the place.
    """
    with named_refusals(), database.read() as connection:
        arguments = {"filter": Jsonb(filter), "check_categories": check_categories}
        row = connection.execute(SQL["count_matches"], arguments).fetchone()
    assert row is not None
    return int(row[0])


def count_all_matches(database: Database) -> dict[str, int]:
    """How many products each rule is about, by name; pins, which are about one, are left out."""
    with database.read() as connection:
        return dict(connection.execute(SQL["count_all_matches"]).fetchall())


def matching_skus(database: Database, filter: Mapping[str, Any], k: int) -> list[str]:  # noqa: A002
    """Up to k products that satisfy a filter, the newest first; a category that is gone matches nothing.

    Raises:
        InvalidInput: the filter cannot be compiled, or k is not between 1 and 1000.
    """
    with named_refusals(), database.read() as connection:
        return [sku for (sku,) in connection.execute(SQL["examples"], {"filter": Jsonb(filter), "k": k})]


def list_brands(database: Database) -> list[str]:
    """The 200 brands of most products, to choose from."""
    with database.read() as connection:
        return [brand for (brand,) in connection.execute(SQL["brands"])]


def _values(name: str, data: RuleData) -> dict[str, Any]:
    values = {field.name: getattr(data, field.name) for field in fields(RuleData)}
    return {**values, "name": name, "filter": None if data.filter is None else Jsonb(data.filter)}


def _read(connection: Connection[Row], name: str | None) -> list[Rule]:
    with connection.cursor(row_factory=class_row(Rule)) as cursor:
        return cursor.execute(SQL["read"], {"name": name}).fetchall()


def _read_one(connection: Connection[Row], name: str) -> Rule:
    found = _read(connection, name)
    if not found:
        raise _no_rule(name)
    return found[0]


def _no_rule(name: str) -> NotFound:
    return NotFound(f"no rule named {name}")


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    try:
        with named_refusals():
            yield
    except errors.CheckViolation as error:
        accepted = _ACCEPTED.get(error.diag.constraint_name or "")
        if accepted is None:
            raise
        raise InvalidInput(accepted[1], field=accepted[0]) from error
    except Conflict as error:
        if isinstance(error.__cause__, errors.UniqueViolation):
            raise Conflict(f"a rule named {name} exists already") from error
        raise
