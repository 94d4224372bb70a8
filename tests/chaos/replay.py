"""The record replayed in order: every store is checked against what was committed at that very moment."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from tests.chaos.audit import Event
from tests.chaos.content import ATOL, Content, Recipe, Review, decoded
from tests.chaos.verdict import Verdict

Pair = tuple[int, int]


@dataclass
class Hold:
    """One lease: who claimed which job when, when it lost or ended it, and when the job was done at last."""

    app: str
    pair: Pair
    claimed: float
    ended: float | None = None
    done: float | None = None


@dataclass
class Replay:
    """State after the events so far. ``recipes`` says what each space, by name, has to hold."""

    recipes: dict[str, Recipe]
    verdict: Verdict
    products: dict[int, Content] = field(default_factory=dict)
    skus: dict[int, str] = field(default_factory=dict)
    "Of every product that ever was."
    names: dict[int, str] = field(default_factory=dict)
    "Of every space that ever was."
    spaces: dict[int, tuple[str, str]] = field(default_factory=dict)
    vectors: dict[Pair, bytes] = field(default_factory=dict)
    stored: dict[Pair, list[tuple[float, bytes]]] = field(default_factory=lambda: defaultdict(list))
    holds: list[Hold] = field(default_factory=list)
    stores: int = 0
    unchanged: int = 0
    died: int = 0
    _leases: dict[tuple[Pair, int], Hold] = field(default_factory=dict)
    _open: dict[Pair, list[Hold]] = field(default_factory=lambda: defaultdict(list))
    _deleted: set[tuple[int, int]] = field(default_factory=set)
    _continued: set[tuple[int, Pair]] = field(default_factory=set)
    _written: dict[tuple[int, Pair], bytes] = field(default_factory=dict)
    _finished: set[tuple[int, Pair]] = field(default_factory=set)

    def feed(self, events: list[Event]) -> None:
        """Go on with these events, which are in order and leave no transaction in half."""
        self._deleted = {(e.xid, e.product_id) for e in events if e.kind == "product" and e.new is None}
        self._written = {
            (e.xid, (e.product_id, e.space_id)): e.vector for e in events if e.kind == "vector" and e.vector
        }
        self._finished = {
            (e.xid, (e.product_id, e.space_id))
            for e in events
            if e.kind == "job" and e.new is None and e.old is not None
        }
        # With reviews left over, which the next attempt comes to.
        self._continued = {
            (e.xid, (e.product_id, e.space_id))
            for e in events
            if e.kind == "job"
            and e.new is not None
            and e.old is not None
            and (e.old["state"], e.new["state"]) == ("leased", "queued")
        }
        for event in events:
            getattr(self, f"_on_{event.kind}")(event)

    def expected(self, pair: Pair) -> "np.typing.NDArray[np.float32]":
        """The vector that the product must have in the space, by what is committed."""
        return self.recipes[self.spaces[pair[1]][0]].vector(self.products[pair[0]])

    def is_right(self, pair: Pair, vector: bytes | None) -> bool:
        """Whether this is the vector of what is committed now."""
        return vector is not None and bool(np.allclose(decoded(vector), self.expected(pair), atol=ATOL))

    def kept_up(self) -> Iterable[int]:
        """The spaces that every product belongs to."""
        return (number for number, (_, state) in self.spaces.items() if state != "retired")

    def _on_product(self, event: Event) -> None:
        if event.new is None:
            self.products.pop(event.product_id, None)
            return
        content = self.products.setdefault(event.product_id, Content(event.new["sku"], ""))
        self.skus[event.product_id] = content.sku
        content.title = event.new["title"]
        content.description = event.new["description"]
        content.brand = event.new["brand"]

    def _on_image(self, event: Event) -> None:
        content = self.products.get(event.product_id)
        if content is None:
            return
        if event.old is not None:
            content.photographs.pop(event.old["position"], None)
        if event.new is not None:
            content.photographs[event.new["position"]] = event.new["sha256"]

    def _on_review(self, event: Event) -> None:
        content = self.products.get(event.product_id)
        if content is None:
            return
        if event.old is not None:
            content.reviews.pop(event.old["id"], None)
        if event.new is not None:
            given = event.new
            content.reviews[given["id"]] = Review(
                *(given["title"], given["body"], given["votes"], given["written"], given["created"])
            )

    def _on_space(self, event: Event) -> None:
        if event.new is not None:
            self.spaces[event.space_id] = (event.new["name"], event.new["state"])
            self.names[event.space_id] = event.new["name"]
            return
        self.spaces.pop(event.space_id, None)
        for pair in [pair for pair in self.vectors if pair[1] == event.space_id]:
            del self.vectors[pair]

    def _on_job(self, event: Event) -> None:
        pair, old, new = (event.product_id, event.space_id), event.old, event.new
        was = old["token"] if old else None
        now = new["token"] if new else None
        if was is not None and was != now:
            self._end_lease(pair, was, event)
        if new is not None and now is not None and now != was:
            self._claim(pair, now, event, old)
        if new is not None and new["state"] == "dead":
            self.died += 1
        if new is None:
            self._end_job(pair, event)

    def _claim(self, pair: Pair, token: int, event: Event, old: "dict[str, float] | None") -> None:
        if (pair, token) in self._leases:
            self.verdict.add("unfenced", f"token {token} was given out twice for {pair}")
        if old and old["token"] is not None and old["until"] > event.at:
            self.verdict.add("unfenced", f"{pair} was claimed while the lease {old['token']} was alive")
        hold = Hold(event.app, pair, event.at)
        self._leases[pair, token] = hold
        self._open[pair].append(hold)
        self.holds.append(hold)

    def _end_lease(self, pair: Pair, token: int, event: Event) -> None:
        hold = self._leases.pop((pair, token), None)
        if hold is None:
            self.verdict.add("unfenced", f"{pair} was held by the token {token} that nobody claimed")
            return
        hold.ended = event.at
        if event.new is None and self._is_store(event) and hold.app != event.app:
            self.verdict.add("unfenced", f"{event.app} stored {pair} under the lease of {hold.app}")

    def _end_job(self, pair: Pair, event: Event) -> None:
        for hold in self._open.pop(pair, []):
            hold.done = event.at
        # What a worker still stores for a retired space need not be of today.
        if not self._is_store(event) or self.spaces[pair[1]][1] == "retired":
            return
        written = self._written.get((event.xid, pair))
        if event.old is None or event.old["state"] != "leased":
            self.verdict.add("unfenced", f"the job {pair} ended in the state {event.old}")
        self.stores += written is not None
        self.unchanged += written is None
        if pair[0] not in self.products:
            self.verdict.add("stale", f"{pair} was stored for a product that is deleted")
        elif not self.is_right(pair, written or self.vectors.get(pair)):
            kind = "stale" if written or pair in self.vectors else "lost"
            self.verdict.add(
                kind, f"{pair} was ended by {event.app} with a vector that is not of {self.products[pair[0]]}"
            )

    def _on_vector(self, event: Event) -> None:
        pair = (event.product_id, event.space_id)
        if event.vector is None:
            self.vectors.pop(pair, None)
            return
        if (event.xid, pair) not in self._finished | self._continued:
            self.verdict.add("unfenced", f"{event.app} stored {pair} without ending its job")
        if self.vectors.get(pair) == event.vector:
            self.verdict.add("doubled", f"{pair} was stored again by {event.app} though nothing had changed")
        self.vectors[pair] = event.vector
        self.stored[pair].append((event.at, event.vector))

    def _is_store(self, event: Event) -> bool:
        """Whether a job ended as it should; the others went with their product or their space."""
        if (event.xid, event.product_id) in self._deleted or event.space_id not in self.spaces:
            return False
        retired = self.spaces[event.space_id][1] == "retired"
        return not retired or (event.xid, (event.product_id, event.space_id)) in self._written
