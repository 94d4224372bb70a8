"""recommend() against an independent numpy oracle, for random queries over 1,500 products.

``SHELFMATE_RANKING_EXAMPLES=2000`` runs more of them.
"""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from filter_oracle import Json
from hypothesis import HealthCheck, event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from ranking_fixtures import COUNT, Shelf, as_blocks, shelf, simple_filters, vector_examples
from ranking_oracle import (
    CREATED,
    OWN_WEIGHTS,
    SCORE,
    Example,
    Ranking,
    average_scores,
    best_scores,
    check_diversity,
    matching_rows,
)

__all__ = ["shelf"]

EXAMPLES = int(os.environ.get("SHELFMATE_RANKING_EXAMPLES", "80"))
many = hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Asked:
    """A query as JSON, and what the oracle needs to know of it."""

    query: Json
    # (row of a product or raw vectors, weight, whether it is liked)
    examples: list[tuple[int | dict[str, list[float]], float, bool]]
    rules: list[Json] = field(default_factory=list)


@st.composite
def example_lists(
    draw: st.DrawFn, strategy: str, near: bool
) -> list[tuple[int | dict[str, list[float]], float | None, bool]]:
    what = st.integers(0, COUNT - 1) | vector_examples(near)
    weight = st.none() | st.floats(0.1, 5)
    likes = draw(st.lists(st.tuples(what, weight), min_size=1 if strategy == "best_score" else 0, max_size=3))
    unlikes = draw(st.lists(st.tuples(what, weight), min_size=0 if likes else 1, max_size=2))
    return [*((*one, True) for one in likes), *((*one, False) for one in unlikes)]


rule = st.one_of(
    st.builds(
        lambda action, node, amount: {"action": action, "filter": node, "amount": amount},
        st.sampled_from(("boost", "bury")),
        simple_filters(),
        st.floats(0.01, 1),
    ),
    simple_filters().map(lambda node: {"action": "hide", "filter": node}),
)
weights = st.none() | st.fixed_dictionaries(
    {}, optional={"text": st.just(0.0) | st.floats(0.01, 1), "image": st.just(0.0) | st.floats(0.01, 1)}
).filter(lambda given: any(given.values()))


@st.composite
def queries(draw: st.DrawFn, near: bool = False) -> Asked:
    strategy = draw(st.sampled_from(("average", "best_score")))
    drawn = draw(example_lists(strategy, near))
    query: Json = {"strategy": strategy, "k": draw(st.integers(1, 30) | st.integers(31, 1000))}
    for content, weight, is_like in drawn:
        example: Json = {"sku": f"S{content}"} if isinstance(content, int) else {"vector": content}
        if weight is not None:
            example["weight"] = weight
        query.setdefault("like" if is_like else "unlike", []).append(example)
    optional = {
        "weights": weights,
        "filter": simple_filters(),
        "exclude": st.lists(st.integers(0, COUNT + 5).map(lambda row: f"S{row}"), max_size=20),
        # Between the scores that ties have, such as 0.
        "score_threshold": st.integers(-1000, 1000).map(lambda step: (step + 0.5) / 1000),
        "one_per_variant_group": st.booleans(),
        "as_of": st.integers(0, COUNT).map(lambda row: (CREATED + timedelta(minutes=row)).isoformat()),
    }
    for name in draw(st.lists(st.sampled_from(sorted(optional)), unique=True, max_size=3)):
        query[name] = draw(optional[name])
    examples = [
        (content, weight if weight is not None else (1.0 if is_like else 0.5), is_like)
        for content, weight, is_like in drawn
    ]
    return Asked(query, examples, draw(st.just([]) | st.lists(rule, max_size=3)))


def expected(shelf: Shelf, asked: Asked) -> Ranking:
    """What the answer must be a beginning of, one-per-group and threshold aside."""
    query = asked.query
    examples = [
        shelf.example(content, weight, is_like)
        if isinstance(content, int)
        else Example(as_blocks(content), weight, is_like)
        for content, weight, is_like in asked.examples
    ]
    scored = best_scores if query["strategy"] == "best_score" else average_scores
    scores = scored(shelf.vectors, examples, query.get("weights") or OWN_WEIGHTS)
    allowed = matching_rows(shelf.catalogue, query.get("filter"))
    for example in examples:
        if example.product is not None:
            allowed[example.product - 1] = False
    for sku in query.get("exclude", []):
        if int(sku[1:]) < COUNT:
            allowed[int(sku[1:])] = False
    if "as_of" in query:
        allowed &= matching_rows(shelf.catalogue, {"field": "created_at", "lte": query["as_of"]})
    for one in asked.rules:
        rows = matching_rows(shelf.catalogue, one["filter"])
        if one["action"] == "hide":
            allowed &= ~rows
        else:
            scores = scores + np.where(rows, one["amount"] * (1 if one["action"] == "boost" else -1), 0)
    return Ranking(scores, allowed, shelf.products)


def narrowed(ranking: Ranking, query: Json, found: list[int]) -> Ranking:
    if query.get("one_per_variant_group"):
        ranking = ranking.one_each(found)
    return ranking.above(query["score_threshold"]) if "score_threshold" in query else ranking


def store_rules(connection: psycopg.Connection[Any], rules: list[Json]) -> None:
    for number, one in enumerate(rules):
        connection.execute(
            "INSERT INTO ranking_rules (name, action, filter, amount) VALUES (%s, %s, %s, %s)",
            (f"rule-{number}", one["action"], Jsonb(one["filter"]), one.get("amount")),
        )


def answer(shelf: Shelf, asked: Asked, **more: Any) -> list[dict[str, Any]]:
    with psycopg.connect(shelf.database.dsn) as connection:
        store_rules(connection, asked.rules)
        rows = shelf.recommend(asked.query | more, connection)
        connection.rollback()
    return rows


def check_reasons(row: dict[str, Any], asked: Asked, shelf: Shelf) -> None:
    """Contributions add up to the score, and so do examples and rules."""
    rules = {name: part for name, part in row["contributions"].items() if name.startswith("rule:")}
    assert abs(sum(row["contributions"].values()) - row["score"]) <= 1e-6
    assert abs(sum(part["contribution"] for part in row["examples"]) + sum(rules.values()) - row["score"]) <= 1e-6
    assert row["contributions"].keys() - rules.keys() <= {"text", "image"}
    applied = {
        f"rule:rule-{number}": one["amount"] * (1 if one["action"] == "boost" else -1)
        for number, one in enumerate(asked.rules)
        if one["action"] != "hide" and row["product_id"] in shelf.catalogue.matching(one["filter"])
    }
    assert rules == applied
    places = [(kind, part[kind]) for part in row["examples"] for kind in ("like", "unlike") if kind in part]
    likes = sum(is_like for *_, is_like in asked.examples)
    known = [("like", place) for place in range(likes)]
    known += [("unlike", place) for place in range(len(asked.examples) - likes)]
    assert places == known if asked.query["strategy"] == "average" else len(places) == 1 and set(places) <= set(known)


@many
@given(asked=queries())
def test_an_exact_answer_is_the_oracles(shelf: Shelf, asked: Asked) -> None:
    rows = answer(shelf, asked, exact=True)
    event(f"{asked.query['strategy']}, {min(len(rows), 1)} or more")
    found = [(row["product_id"], row["score"]) for row in rows]
    narrowed(expected(shelf, asked), asked.query, [one for one, _ in found]).check(found, asked.query["k"])
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["mode"] for row in rows} <= {"exact"}
    assert {row["source"] for row in rows} <= {"similar"}
    for row in rows:
        check_reasons(row, asked, shelf)


def test_an_answer_by_the_graph_has_a_recall_of_99_percent(shelf: Shelf) -> None:
    recalls: dict[str, list[float]] = {"exact": [], "ann": []}

    @many
    @given(asked=queries(near=True))
    def measure(asked: Asked) -> None:
        rows = answer(shelf, asked)
        ids = [row["product_id"] for row in rows]
        ranking = narrowed(expected(shelf, asked), asked.query, ids)
        assert all(ranking.allowed[number - 1] for number in ids)
        assert len(set(ids)) == len(ids)
        if "score_threshold" not in asked.query:
            assert len(ids) == min(asked.query["k"], int(ranking.allowed.sum()))
        for row in rows:
            assert abs(row["score"] - ranking.score(row["product_id"])) <= SCORE
            check_reasons(row, asked, shelf)
        mode = rows[0]["mode"] if rows else "exact"
        recalls[mode].append(ranking.recall(ids, asked.query["k"]))

    measure()
    assert recalls["ann"]
    assert min(recalls["exact"]) == 1
    assert np.mean(recalls["ann"]) >= 0.99


@many
@given(asked=queries(), diversity=st.floats(0.05, 1))
def test_diversity_is_maximal_marginal_relevance(shelf: Shelf, asked: Asked, diversity: float) -> None:
    k = asked.query["k"] = min(asked.query["k"], 60)
    rows = answer(shelf, asked, exact=True, diversity=diversity)
    ids = [row["product_id"] for row in rows]
    ranking = narrowed(expected(shelf, asked), asked.query, ids)
    best = ranking.best()
    assert len(ids) == len(set(ids)) == min(k, len(best))
    pool = best[: k + max(4 * k, 40)]
    # Which of those that tie at its end are in the pool is not to be seen from outside.
    if ids and not (len(pool) < len(best) and ranking.score(pool[-1]) - ranking.score(best[len(pool)]) < 1e-6):
        assert set(ids) <= set(pool)
        check_diversity(ids, pool, ranking.score, shelf.vectors, diversity)


@many
@given(
    row=st.integers(0, COUNT - 1),
    weights=weights,
    k=st.integers(1, 1000),
    node=st.none() | simple_filters(),
    exact=st.booleans(),
)
def test_one_like_is_what_similar_products_says(
    shelf: Shelf, row: int, weights: Json | None, k: int, node: Json | None, exact: bool
) -> None:
    query: Json = {"like": [{"sku": f"S{row}"}], "k": k, "weights": weights, "filter": node, "exact": exact}
    statement = """SELECT product_id, score, text, image, mode
                     FROM similar_products(%s, %s::int, w_text => %s, w_image => %s, filter => %s, exact => %s)"""
    values = weights or {}
    with shelf.database.read() as connection:
        similar = connection.execute(
            statement,
            (f"S{row}", k, values.get("text"), values.get("image"), None if node is None else Jsonb(node), exact),
        ).fetchall()
        liked = shelf.recommend(query, connection)
    assert [row["product_id"] for row in liked] == [row[0] for row in similar]
    for one, (_, score, text, image, mode) in zip(liked, similar, strict=True):
        assert one["score"] == pytest.approx(score, abs=SCORE)
        assert one["contributions"] == pytest.approx({"text": text, "image": image}, abs=SCORE)
        assert one["mode"] == mode
