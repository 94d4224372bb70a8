"""What upkeep measures of live queries, and what it does about it."""

from collections.abc import Callable

import pytest
from upkeep_fixtures import FUSED, PRODUCTS, ask, catalogue, freeze, keep_up, make_alike, template

from backend.database.connection import Database
from backend.recommend.audit import PROBES, Audit
from backend.recommend.audit_pass import audit_space
from backend.settings import Settings
from backend.spaces.space import active_space
from workers.upkeep import Outcome

__all__ = ["catalogue", "keep_up", "template"]

AUDITS = "SELECT kind, recommendation_id, filter_class, match_share, k, ef_search, recall FROM recall_audits"


def weaken(database: Database) -> None:
    """A graph that reaches its products but finds less, the narrower it is searched."""
    with database.write() as connection:
        connection.execute(f"ALTER INDEX {FUSED} SET (m = 5, ef_construction = 16)".encode())
        connection.execute("SET LOCAL max_parallel_maintenance_workers = 0")
        connection.execute(f"REINDEX INDEX {FUSED}".encode())


def set_width(database: Database, ef_search: int) -> None:
    with database.write() as connection:
        connection.execute("UPDATE embedding_spaces SET ef_search = %s", [ef_search])


def width(database: Database) -> int:
    return int(ask(database, "SELECT ef_search FROM embedding_spaces")[0][0])


def audit(database: Database, *, sample: int = 100, target: float = 0.99) -> int:
    """One audit of the space, without the care for indexes that goes before it."""
    with database.alone() as connection:
        return audit_space(
            connection, active_space(database), sample=sample, target=target, interrupted=lambda: False
        ).queries


def test_live_queries_are_audited_once_by_class_and_k(catalogue: Database) -> None:
    asked = {
        freeze(catalogue, {"like": [{"sku": f"S{number}"}], "k": k, **restriction})
        for number, (k, restriction) in enumerate(
            [
                (10, {}),
                (24, {}),
                (10, {"filter": {"field": "category", "under": "Wear"}}),
                (10, {"filter": {"field": "price", "gte": 0}}),
            ]
        )
    }
    freeze(catalogue, {"like": [{"sku": "S9"}]}, mode="exact")
    audit(catalogue, sample=10)
    live = [row for row in ask(catalogue, AUDITS) if row[0] == "live"]
    assert {row[1] for row in live} <= asked
    assert {(row[2], row[4]) for row in live} >= {("none", 10), ("none", 24)}
    assert {row[3] for row in live if row[2] == "none"} == {None}
    assert {row[3] for row in live if row[2] == ">=20%"} <= {0.5, 1.0}
    audit(catalogue, sample=10)
    assert len([row for row in ask(catalogue, AUDITS) if row[0] == "live"]) == len(live)


def test_where_nobody_asks_upkeep_makes_up_questions_and_says_so(catalogue: Database) -> None:
    audited = audit(catalogue)
    rows = ask(catalogue, AUDITS)
    assert len(rows) == audited
    assert PROBES / 2 <= audited <= PROBES
    assert {(row[0], row[1]) for row in rows} == {("probe", None)}
    shown = ask(catalogue, "SELECT space, filter_class, k, n, live, recall, p5 FROM recall_by_class")
    assert sum(row[3] for row in shown) == audited
    assert {(row[0], row[2], row[4]) for row in shown} == {("default", 10, 0)}
    assert all(row[6] <= row[5] <= 1 for row in shown)


def test_what_acts_after_the_ranking_and_what_was_deleted_since_does_no_harm(catalogue: Database) -> None:
    query = {
        "like": [{"sku": "S1"}, {"sku": "S2", "weight": 2}],
        "unlike": [{"sku": "S2000"}],
        "diversity": 0.7,
        "one_per_variant_group": True,
        "score_threshold": 0.9,
        "exclude": ["S4"],
        "fallback": True,
    }
    kept = {freeze(catalogue, query) for _ in range(8)}
    gone = {freeze(catalogue, {"like": [{"sku": f"S{number}"}]}) for number in range(700, 708)}
    nowhere = freeze(catalogue, {"like": [{"sku": "S8"}], "filter": {"field": "category", "under": "Gone"}})
    with catalogue.write() as connection:
        connection.execute("DELETE FROM products WHERE sku IN ('S4') OR sku BETWEEN 'S700' AND 'S707'")
    audit(catalogue)
    found = {row[1]: row for row in ask(catalogue, AUDITS) if row[0] == "live"}
    assert nowhere not in found
    assert found.keys() & kept
    assert found.keys() & gone
    assert {found[which][4] for which in found.keys() & kept} == {10}


def test_ties_at_the_end_count_as_found(catalogue: Database) -> None:
    make_alike(catalogue, 30)
    for number in range(0, PRODUCTS, 100):
        freeze(catalogue, {"like": [{"sku": f"S{number}"}]})
    # The planner sorts exactly where it doubts the graph.
    assert audit(catalogue, sample=30) >= 15
    # Counted by id it would be near a third; one hit of ten a graph may miss.
    assert min(row[6] for row in ask(catalogue, AUDITS)) >= 0.9


def test_both_answers_are_of_one_moment(catalogue: Database) -> None:
    space = active_space(catalogue)
    with catalogue.alone() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        session = Audit(connection, space, lambda: False)
        session.collect(PROBES, PRODUCTS)
        with catalogue.write() as other:
            other.execute("DELETE FROM products WHERE id % 3 > 0")
        recalls = [item.recall for item in session.compare(200)]
    assert len(recalls) >= PROBES / 2
    assert sum(recalls) / len(recalls) >= 0.99


def test_too_narrow_a_search_is_widened_until_it_reaches_the_target(catalogue: Database) -> None:
    weaken(catalogue)
    set_width(catalogue, 20)
    for number in range(0, PRODUCTS, 30):
        freeze(catalogue, {"like": [{"sku": f"S{number}"}], "k": 5})
    audit(catalogue, target=0.98)
    assert width(catalogue) > 20
    change = ask(
        catalogue, "SELECT action, old_value, new_value, measured_before, measured_after, reason FROM retrieval_changes"
    )
    assert [row[:3] for row in change] == [("raise ef_search", "20", str(width(catalogue)))]
    assert change[0][3] < 0.98 <= change[0][4]
    assert "below the target 0.98" in change[0][5]
    # What is kept was measured as the space is set now.
    assert {row[5] for row in ask(catalogue, AUDITS)} == {width(catalogue)}
    shown = ask(catalogue, "SELECT sum(n * recall) / sum(n) FROM recall_by_class")[0][0]
    assert shown == pytest.approx(change[0][4])


def test_a_search_that_is_wider_than_needed_is_narrowed_step_by_step_with_a_rest_between(catalogue: Database) -> None:
    set_width(catalogue, 400)
    for number in range(0, PRODUCTS, 30):
        freeze(catalogue, {"like": [{"sku": f"S{number}"}]})
    audit(catalogue)
    assert width(catalogue) == 300
    with catalogue.write() as connection:
        connection.execute("DELETE FROM recall_audits")
    audit(catalogue)
    assert width(catalogue) == 300
    with catalogue.write() as connection:
        connection.execute("DELETE FROM recall_audits")
        connection.execute("UPDATE retrieval_changes SET created_at = created_at - interval '61 minutes'")
    audit(catalogue)
    assert width(catalogue) == 200


def test_a_width_that_was_given_up_lately_is_not_gone_back_to(catalogue: Database) -> None:
    set_width(catalogue, 400)
    with catalogue.write() as connection:
        connection.execute(
            """INSERT INTO retrieval_changes (space_id, action, old_value, new_value, measured_before, measured_after,
                                              reason, created_at)
               VALUES (1, 'raise ef_search', '300', '400', 0.9, 0.99, 'test', now() - interval '2 days')"""
        )
    for number in range(0, PRODUCTS, 30):
        freeze(catalogue, {"like": [{"sku": f"S{number}"}]})
    audit(catalogue)
    assert width(catalogue) == 400


def test_measuring_leaves_no_trace_but_the_measurement(catalogue: Database) -> None:
    version = "SELECT xmin::text, ef_search FROM embedding_spaces"
    before = ask(catalogue, version)
    audit(catalogue)
    assert ask(catalogue, version) == before


def test_a_space_without_an_index_is_not_audited(catalogue: Database) -> None:
    with catalogue.write() as connection:
        connection.execute(f"DROP INDEX {FUSED}".encode())
    assert audit(catalogue) == 0


def test_a_pass_audits_the_queries_before_it_deletes_them(
    catalogue: Database, keep_up: Callable[[], Outcome], settings: Settings
) -> None:
    expired = {freeze(catalogue, {"like": [{"sku": f"S{number}"}]}, seconds=-5) for number in range(8)}
    valid = {freeze(catalogue, {"like": [{"sku": f"S{number}"}]}) for number in range(8)}
    assert keep_up().expired == 8
    assert {row[0] for row in ask(catalogue, "SELECT id FROM recommendations")} == valid
    live = {row[1] for row in ask(catalogue, AUDITS) if row[0] == "live"}
    assert live & expired
    assert live & valid
