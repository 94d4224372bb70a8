"""The audit of one space: measured, tuned where it has to be, kept."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from backend.database.connection import Row
from backend.database.queries import load_queries
from backend.recommend.audit import Audit, Comparison, measured
from backend.recommend.tuning import Decision, Measured, decide
from backend.spaces.space import Space

SQL = load_queries("upkeep")


@dataclass(frozen=True)
class Audited:
    """How many queries were compared, and what was changed for it, for people."""

    queries: int
    change: str | None = None


def audit_space(
    connection: psycopg.Connection[Row], space: Space, *, sample: int, target: float, interrupted: Callable[[], bool]
) -> Audited:
    """Compare up to ``sample`` queries with their exact answers, and bring ef_search nearer to the target recall.

    A space without an index answers exactly and is left alone. ``connection`` is in autocommit.
    """
    compared: dict[int, list[Comparison]] = {}
    with connection.transaction():
        connection.execute(SQL["one_snapshot"])
        row = connection.execute(SQL["space_of_audit"], {"space_id": space.id}).fetchone()
        if row is None:
            return Audited(0)
        ef_search, products = row
        audit = Audit(connection, space, interrupted)
        audit.collect(sample, products)

        def measure(step: int) -> Measured:
            compared[step] = audit.compare(step)
            return measured(compared[step])

        def may_lower(step: int) -> bool:
            allowed = connection.execute(SQL["may_lower"], {"space_id": space.id, "ef_search": step}).fetchone()
            return bool(allowed and allowed[0])

        decision = decide(ef_search, measure(ef_search), target, measure, may_lower)
    if interrupted() or decision is None or not _change(connection, space, decision):
        _keep(connection, space, ef_search, compared[ef_search])
        return Audited(len(compared[ef_search]))
    _keep(connection, space, decision.new, compared[decision.new])
    change = f"ef_search of {space.name} from {decision.old} to {decision.new}: {decision.reason}"
    return Audited(len(compared[decision.new]), change)


def _change(connection: psycopg.Connection[Row], space: Space, decision: Decision) -> bool:
    """Set the new value and say why; False when somebody else changed it meanwhile."""
    values = {"space_id": space.id, "old": decision.old, "new": decision.new}
    with connection.transaction():
        if connection.execute(SQL["set_ef_search"], values).rowcount == 0:
            return False
        connection.execute(
            SQL["keep_change"],
            {
                **values,
                "action": "raise ef_search" if decision.new > decision.old else "lower ef_search",
                "index_name": None,
                "before": decision.before.recall,
                "after": decision.after.recall,
                "reason": decision.reason,
            },
        )
    return True


def _keep(connection: psycopg.Connection[Row], space: Space, ef_search: int, compared: list[Comparison]) -> None:
    rows = [
        {
            "space_id": space.id,
            "kind": "probe" if item.question.recommendation_id is None else "live",
            "recommendation_id": item.question.recommendation_id,
            "match_share": item.question.match_share,
            "k": item.question.k,
            "ef_search": ef_search,
            "recall": item.recall,
        }
        for item in compared
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(SQL["keep_audit"], rows)
