"""What recommendations for people must be, computed a second time in Python from the rules of docs/people.md."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

WEIGHTS = {"purchase": 1.0, "like": 0.8, "cart": 0.6, "click": 0.2, "view": 0.1}
EVIDENCE = {"purchase": 10.0, "cart": 5.0, "like": 3.0, "click": 1.0, "view": 0.25}
OWNED = ("purchase", "rating")


@dataclass(frozen=True)
class Signal:
    """One thing that somebody did; a review is a rating."""

    user: str
    product: int
    kind: str
    value: float | None
    at: datetime


@dataclass(frozen=True)
class Weighed:
    product: int
    weight: float
    involvement: float


@dataclass
class Interest:
    weight: float
    query: Array
    background: float
    members: list[tuple[int, float]]


@dataclass(frozen=True)
class Chosen:
    product: int
    score: float
    source: str
    reason: int | None
    interest: int


@dataclass
class Shop:
    """What there is: ``fused`` vectors by product, halves as stored, and signals in no order."""

    fused: dict[int, Array]
    products: list[int]
    signals: list[Signal] = field(default_factory=list)

    def of(self, user: str, at: datetime) -> list[Signal]:
        return [s for s in self.signals if s.user == user and s.at <= at]


def halved(vector: Array) -> Array:
    return vector.astype(np.float16).astype(np.float64)


def unit(vector: Array) -> Array:
    length = np.linalg.norm(vector)
    return vector / length if length else vector


def days_between(signal: Signal, at: datetime) -> float:
    return max(0.0, (at - signal.at).total_seconds() / 86400)


def weigh(signals: Iterable[Signal], at: datetime, half_life: float = 180) -> list[Weighed]:
    by_product: dict[int, list[tuple[Signal, float, float]]] = defaultdict(list)
    for s in signals:
        left = 0.5 ** (days_between(s, at) / half_life)
        value = (min(5, max(1, s.value or 0)) - 2.5) / 2.5 if s.kind == "rating" else WEIGHTS[s.kind]
        by_product[s.product].append((s, value * left, left))
    newest = sorted(by_product, key=lambda p: (-max(s.at for s, _, _ in by_product[p]).timestamp(), p))[:100]
    weighed = []
    for product in newest:
        rows = by_product[product]
        ratings = [(s.at, weight) for s, weight, _ in rows if s.kind == "rating"]
        last = max((at for at, _ in ratings), default=None)
        weight = min(w for when, w in ratings if when == last) if ratings else max(w for _, w, _ in rows)
        weighed.append(Weighed(product, weight, max(left if s.kind in OWNED else w for s, w, left in rows)))
    return weighed


def background(shop: Shop) -> Array:
    """The mean of the products found at 64 even steps over the ids."""
    ids = sorted(shop.fused)
    first, last = ids[0], ids[-1]
    found = {min(i for i in ids if i >= first + (last - first) * step // 63) for step in range(64)}
    return np.mean([shop.fused[i] for i in sorted(found) if shop.fused[i].any()], axis=0)


def likeness(cosine: float, usual: float) -> float:
    return (cosine - usual) / max(1 - usual, 0.01)


def divide(shop: Shop, history: list[Weighed], most: int = 5) -> list[Interest]:
    known = [h for h in history if h.weight != 0 and h.product in shop.fused and shop.fused[h.product].any()]
    known.sort(key=lambda h: (-h.weight, h.product))
    mean = background(shop)
    usual = float(mean @ mean)
    near = [-math.inf] * len(known)
    centers: list[Array] = []
    while len(centers) < most:
        open_ = [i for i, h in enumerate(known) if h.weight > 0 and near[i] < 0.3]
        if not open_:
            break
        leader = max(open_, key=lambda i: (known[i].weight * (1 - max(near[i], -1)), -i))
        centers.append(shop.fused[known[leader].product])
        near = [max(near[i], likeness(float(shop.fused[h.product] @ centers[-1]), usual)) for i, h in enumerate(known)]
    if not centers:
        return []
    for round_ in range(3):
        joined = [max(range(len(centers)), key=lambda c: (shop.fused[h.product] @ centers[c], -c)) for h in known]
        if round_ == 2 or len(centers) == 1:
            break
        for c in range(len(centers)):
            mine = [h for h, j in zip(known, joined, strict=True) if j == c and h.weight > 0]
            if mine:
                centers[c] = halved(unit(np.sum([h.weight * shop.fused[h.product] for h in mine], axis=0)))
    interests = []
    for c in range(len(centers)):
        mine = [h for h, j in zip(known, joined, strict=True) if j == c]
        weight = sum(h.weight for h in mine if h.weight > 0)
        if weight > 0:
            query = unit(np.sum([h.weight * shop.fused[h.product] for h in mine], axis=0))
            members = [(h.product, h.weight) for h in mine]
            interests.append(Interest(weight, halved(query), float(query @ mean), members))
    return sorted(interests, key=lambda i: (-i.weight, i.members[0][0]))


def evidence_by_day(signals: Iterable[Signal], at: datetime) -> dict[tuple[int, date], float]:
    daily: dict[tuple[int, date], float] = defaultdict(float)
    once: set[tuple[int, date, str, str]] = set()
    for s in signals:
        day = s.at.astimezone(UTC).date()
        if s.at > at:
            continue
        if s.kind == "rating":
            daily[s.product, day] += (s.value or 0) / 2 - 0.5
        elif (s.product, day, s.kind, s.user) not in once:
            once.add((s.product, day, s.kind, s.user))
            daily[s.product, day] += EVIDENCE[s.kind]
    return daily


def recent(signals: Iterable[Signal], at: datetime, days: int = 90, half_life: float | None = 30) -> dict[int, float]:
    total: dict[int, float] = defaultdict(float)
    for (product, day), amount in evidence_by_day(signals, at).items():
        age = (at.astimezone(UTC).date() - day).days
        if age < days:
            total[product] += amount * (1 if half_life is None else 0.5 ** (age / half_life))
    return {product: amount for product, amount in total.items() if amount > 0}


def trend(signals: Iterable[Signal], at: datetime, days: int = 7, half_life: float = 2) -> dict[int, float]:
    lately: dict[int, float] = defaultdict(float)
    before: dict[int, float] = defaultdict(float)
    for (product, day), amount in evidence_by_day(signals, at).items():
        age = (at.astimezone(UTC).date() - day).days
        if age < days:
            lately[product] += amount * 0.5 ** (age / half_life)
        elif age < 5 * days:
            before[product] += amount
    steady = sum(0.5 ** (age / half_life) for age in range(days)) / (4 * days)
    scores = {p: (lately[p] - before[p] * steady) / math.sqrt(1 + before[p] * steady) for p in {*lately, *before}}
    return {product: score for product, score in scores.items() if score > 0}


def squashed(amount: float) -> float:
    return math.log1p(amount) / (5 + math.log1p(amount))


def pairs(signals: Iterable[Signal], at: datetime, days: int = 730) -> dict[int, dict[int, int]]:
    """How many people had both, each product with itself, too; the 50 that most had with it."""
    last: dict[str, dict[int, datetime]] = defaultdict(dict)
    for s in signals:
        if s.kind in OWNED and at - timedelta(days=days) < s.at <= at:
            last[s.user][s.product] = max(s.at, last[s.user].get(s.product, s.at))
    counts: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for had in last.values():
        basket = sorted(had, key=lambda p: (-had[p].timestamp(), p))[:50]
        for one in basket:
            for other in basket:
                counts[one][other] += 1
    return {
        one: dict(sorted(others.items(), key=lambda item: (item[0] != one, -item[1], item[0]))[:51])
        for one, others in counts.items()
    }


def together(history: list[Weighed], counted: dict[int, dict[int, int]]) -> dict[int, tuple[float, int]]:
    """Share and reason by product."""
    said: dict[int, list[tuple[float, int]]] = defaultdict(list)
    total = 0.0
    for h in history:
        if h.involvement > 0 and h.product in counted:
            total += h.involvement * counted[h.product][h.product]
            for other, people in counted[h.product].items():
                if other != h.product:
                    said[other].append((people * h.involvement, h.product))
    return {
        other: (sum(a for a, _ in parts) / (5 + total), max(parts, key=lambda part: (part[0], -part[1]))[1])
        for other, parts in said.items()
    }


def with_seats(ordered: list[int], little: list[int]) -> tuple[list[int], set[int]]:
    """The list with the nth of ``little`` in the place 10n - 5, where it would come later; and those that it moved."""
    seats = {10 * n + 5: p for n, p in enumerate(little) if ordered.index(p) + 1 > 10 * n + 5}
    rest = [p for p in ordered if p not in seats.values()]
    answer: list[int] = []
    place = 0
    while len(answer) < len(ordered):
        place += 1
        if place in seats:
            answer.append(seats[place])
        elif place % 10 != 5 and rest:
            answer.append(rest.pop(0))
    return answer, set(seats.values())


def choose(
    shop: Shop,
    history: list[Weighed],
    exclude: set[int],
    at: datetime,
    *,
    allowed: set[int] | None = None,
    k: int = 10,
    most: int = 5,
    w_popularity: float = 3,
    w_together: float = 3,
    discover: bool = True,
) -> list[Chosen]:
    """The list of somebody with interests; right while every product is a candidate."""
    interests = divide(shop, history, most)
    wanted, beside = recent(shop.signals, at), together(history, pairs(shop.signals, at))
    pool = [p for p in shop.products if p not in exclude and (allowed is None or p in allowed)]
    # Without vectors a product comes in by what people do with it alone.
    mine = {h.product for h in history}
    pool = [
        p
        for p in pool
        if p in shop.fused or (p in wanted and w_popularity > 0) or (p in beside and w_together > 0) or p in mine
    ]
    popularity = {p: w_popularity * squashed(wanted.get(p, 0)) for p in pool}
    shared = {p: w_together * math.sqrt(beside[p][0]) if p in beside else 0.0 for p in pool}
    claims: dict[int, tuple[float, int, float]] = {}
    for n, interest in enumerate(interests):
        liked = {
            p: likeness(float(shop.fused[p] @ interest.query), interest.background)
            if p in shop.fused and shop.fused[p].any()
            else 0.0
            for p in pool
        }
        ranked = sorted(pool, key=lambda p: (-(liked[p] + popularity[p] + shared[p]), p))
        for place, p in enumerate(ranked):
            claim = interest.weight / (2 * place + 1)
            if p not in claims or claim > claims[p][0]:
                claims[p] = (claim, n, liked[p])
    chosen = []
    ordered = sorted(claims, key=lambda p: (-claims[p][0], claims[p][1], p))
    told = Counter(s.product for s in shop.signals if s.kind in OWNED and s.at <= at)
    little = [p for p in ordered if told[p] < 5 and claims[p][2] >= 0.3 and p not in mine] if discover else []
    ordered, seated = with_seats(
        ordered, sorted(little, key=lambda p: (-interests[claims[p][1]].weight * claims[p][2], p))
    )
    for p in ordered[:k]:
        _, n, liked_ = claims[p]
        source = (
            "discovery"
            if p in seated
            else "bought_together"
            if shared[p] > 0 and shared[p] >= max(liked_, popularity[p])
            else "interest"
            if liked_ > 0 and liked_ >= min(0.3, max(shared[p], popularity[p]))
            else "bought_together"
            if shared[p] > 0 and shared[p] >= popularity[p]
            else "popular"
            if popularity[p] > 0
            else "interest"
        )
        reason = None
        if source == "bought_together":
            reason = beside[p][1]
        elif source in ("interest", "discovery") and p in shop.fused:
            usual = interests[n].background
            parts = [
                (weight * likeness(float(shop.fused[m] @ shop.fused[p]), usual), -m)
                for m, weight in interests[n].members
                if weight > 0 and m != p
            ]
            reason = -max(parts)[1] if parts else None
        chosen.append(Chosen(p, liked_ + popularity[p] + shared[p], source, reason, n + 1))
    return chosen
