"""What the record proves: nothing lost, doubled or stale, and what clients were promised is what is there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tests.chaos.audit import Connection, Event
from tests.chaos.content import ATOL, Review
from tests.chaos.history import Change, Operation
from tests.chaos.replay import Replay
from tests.chaos.verdict import Verdict

# No job may come of these.
SILENT = {"price"}
# Writes that ``patient`` looks after; they are in nobody's history.
OVER_HTTP = "chaos-server"


def check_operations(
    operations: dict[int, Operation], committed: Iterable[tuple[int, int]], events: list[Event], verdict: Verdict
) -> None:
    """Compare what clients remember with what was committed, change by change; settles what is in doubt.

    ``committed`` are pairs of an operation's number and its transaction.
    """
    transactions = dict(committed)
    by_transaction: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        by_transaction[event.xid].append(event)
    for number, operation in operations.items():
        if operation.outcome == "unknown":
            operation.outcome = "committed" if number in transactions else "rolled back"
        if (operation.outcome == "committed") != (number in transactions):
            verdict.add("lost", f"{operation.outcome} for its client, otherwise in the database: {operation}")
        elif number in transactions:
            _check_operation(operation, by_transaction[transactions[number]], verdict)
    kinds = {"product", "image", "review"}
    changed = {event.xid for event in events if event.kind in kinds and event.app != OVER_HTTP}
    unknown = changed - set(transactions.values())
    for xid in unknown:
        verdict.add("foreign", f"the transaction {xid} changed products, and is no client's")


def _check_operation(operation: Operation, events: list[Event], verdict: Verdict) -> None:
    said = sorted(repr(item) for change in operation.changes for item in _claims(change))
    written = {repr(item) for event in events for item in _effects(event)}
    missing = [item for item in said if item not in written]
    if missing:
        verdict.add("lost", f"{operation.kind} {operation.id} committed without {missing[:3]}")
    if operation.kind in SILENT and any(event.kind == "job" for event in events):
        verdict.add("noisy", f"the operation {operation.kind} {operation.id} made a job")


def _claims(change: Change) -> Iterable[tuple[str, Any]]:
    for name in ("title", "description", "brand"):
        if getattr(change, name) is not None:
            yield name, (change.sku, getattr(change, name))
    if change.photograph is not None:
        yield "photograph", change.photograph
    if change.review is not None:
        yield "review", change.review
    if change.deleted:
        yield "deleted", change.sku


def _effects(event: Event) -> Iterable[tuple[str, Any]]:
    if event.kind == "product" and event.new is None and event.old is not None:
        yield "deleted", event.old["sku"]
    elif event.kind == "product" and event.new is not None:
        yield from ((name, (event.new["sku"], event.new[name])) for name in ("title", "description", "brand"))
    elif event.kind == "image" and event.new is not None:
        yield "photograph", (event.new["position"], event.new["sha256"])
    elif event.kind == "image" and event.old is not None:
        yield "photograph", (event.old["position"], None)
    elif event.kind == "review" and event.new is not None:
        yield "review", (event.new["id"], event.new["title"], event.new["votes"])
    elif event.kind == "review" and event.old is not None:
        yield "review", (event.old["id"], None, None)


PRODUCTS = "SELECT id, sku, title, description, brand FROM shelfmate.products"
IMAGES = "SELECT product_id, position, encode(sha256, 'hex') FROM shelfmate.product_images"
VECTORS = (
    "SELECT product_id, space_id, halfvec_send(fused), text::real[], image::real[], reviews::real[]"
    " FROM shelfmate.product_embeddings"
)
REVIEWS = (
    "SELECT product_id, id, title, body, helpful_votes, extract(epoch FROM written_at)::float8,"
    " extract(epoch FROM created_at)::float8 FROM shelfmate.reviews"
)
LEFT_OVER = (
    "SELECT e.product_id, e.review_id FROM shelfmate.review_embeddings e"
    " LEFT JOIN shelfmate.reviews r ON r.product_id = e.product_id AND r.id = e.review_id WHERE r.id IS NULL"
)
JOBS = "SELECT product_id, space_id, state, last_error FROM shelfmate.embedding_jobs"


def check_state(connection: Connection, replay: Replay, verdict: Verdict) -> None:
    """The tables at rest: the same as the record says, and every product right in every space that is kept up."""
    products = connection.execute(PRODUCTS).fetchall()
    photographs: dict[int, dict[int, str]] = defaultdict(dict)
    for product_id, position, sha256 in connection.execute(IMAGES).fetchall():
        photographs[product_id][position] = sha256
    reviews: dict[int, dict[int, Review]] = defaultdict(dict)
    for product_id, number, *row in connection.execute(REVIEWS).fetchall():
        reviews[product_id][number] = Review(*row)
    for pair in connection.execute(LEFT_OVER).fetchall():
        verdict.add("stale", f"the review {pair} is deleted and has a vector")
    said = {
        product_id: (
            *(content.sku, content.title, content.description, content.brand),
            *(content.photographs, content.reviews),
        )
        for product_id, content in replay.products.items()
    }
    found = {row[0]: (*row[1:], photographs[row[0]], reviews[row[0]]) for row in products}
    for product_id in said.keys() | found.keys():
        if said.get(product_id) != found.get(product_id):
            verdict.add(
                "lost", f"product {product_id} is {found.get(product_id)}, committed was {said.get(product_id)}"
            )
    for product_id, space_id, state, error in connection.execute(JOBS).fetchall():
        verdict.add("lost", f"the job of {product_id} in space {space_id} is left over: {state}, {error}")
    _check_vectors(connection, set(found), replay, verdict)


def _check_vectors(connection: Connection, present: Iterable[int], replay: Replay, verdict: Verdict) -> None:
    rows = {(row[0], row[1]): row[2:] for row in connection.execute(VECTORS).fetchall()}
    kept_up = set(replay.kept_up())
    for pair in [(product_id, space_id) for product_id in replay.products for space_id in kept_up]:
        row = rows.get(pair)
        if row is None:
            verdict.add("lost", f"{pair} has no vector")
        elif not replay.is_right(pair, row[0]):
            verdict.add("stale", f"{pair} has a vector that is not of {replay.products[pair[0]]}")
        else:
            _check_blocks(pair, row[1:], replay, verdict)
    for pair in rows.keys() - replay.vectors.keys():
        verdict.add("unfenced", f"{pair} has a vector that no store wrote")
    for product_id, space_id in rows:
        if product_id not in present:
            verdict.add("stale", f"{product_id} is deleted and has a vector in space {space_id}")


def _check_blocks(
    pair: tuple[int, int], blocks: Sequence[list[float] | None], replay: Replay, verdict: Verdict
) -> None:
    """The blocks apart are unit vectors, and the parts of the fused one."""
    recipe = replay.recipes[replay.spaces[pair[1]][0]]
    expected = np.split(replay.expected(pair), np.cumsum(recipe.dimensions)[:2])
    for block, part, weight in zip(blocks, expected, recipe.weights, strict=True):
        stored = np.zeros_like(part) if block is None else np.asarray(block, dtype=np.float32)
        if not np.allclose(stored * weight**0.5, part, atol=ATOL):
            verdict.add("stale", f"a block of {pair} is not of {replay.products[pair[0]]}")
