"""Two spaces side by side: the same products asked of both."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from psycopg.rows import class_row

from backend.database.connection import Database
from backend.errors import InvalidInput
from backend.evaluation.answers import Answers, measured_space
from backend.evaluation.intervals import Estimate, estimate
from backend.evaluation.quality import Quality, judge
from backend.evaluation.questions import PRECISION_K, SQL, Hit, read_sets
from backend.evaluation.size import Size, read_size

SAMPLE = 200
MOST_SAMPLED = 5_000
K = 10
MOST_K = 100
# Scores nearer than this are one score: they are added up in single precision, over halves.
TIE = 1e-6
# Questions that each space answers before its time is taken, so that its plans are made and its graph is in memory.
_WARM_UP = 5


@dataclass(frozen=True)
class Fill:
    """Products of the catalogue, and those that the space holds, waits for and could not embed."""

    products: int
    embedded: int
    waiting: int
    dead: int


@dataclass(frozen=True)
class Side:
    """One of the two spaces.

    ``recall`` of the answers against the exact ones, a product that ties with the last exact one counted as found (0 to
    1); ``ann`` the share of queries that an index answered; ``p50`` and ``p95`` in ms, of ``similar_products`` from
    this process, asked in turns with the other space.
    """

    name: str
    state: str
    dimensions: int
    fill: Fill
    recall: Estimate | None
    ann: float
    p50: float
    p95: float
    size: Size


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` found. Differences are b less a.

    ``overlap`` is the mean share of products that both answers have, 0 to 1, over ``sample`` products at most that both
    spaces hold, with its bootstrap interval; ``left_out`` counts those that one of them had no answer for.
    """

    a: Side
    b: Side
    k: int
    sample: int
    seed: int
    overlap: Estimate | None
    left_out: int
    quality: tuple[Quality, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values that JSON can hold, the derived sizes included."""
        document = asdict(self)
        for name, side in (("a", self.a), ("b", self.b)):
            document[name]["size"] |= {
                "row_bytes_per_product": side.size.row,
                "index_bytes_per_product": side.size.index,
                "row_and_index_bytes_per_product": side.size.row_and_index,
                "bytes_per_product": side.size.everything,
            }
        document["quality"] = list(document["quality"])
        return document


def compare(
    database: Database,
    a: str,
    b: str,
    *,
    sample: int = SAMPLE,
    k: int = K,
    seed: int = 0,
    report: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Ask both spaces the same questions through the published SQL functions, as users do.

    Args:
        database: both spaces live here; nothing is written.
        a: name of the space that is measured against, usually the active one.
        b: name of the other.
        sample: products asked for in each part, 1 to 5,000; the same seed asks for the same ones.
        k: length of the answers whose overlap and recall are measured, 1 to 100.
        seed: of the sample and of the bootstrap.
        report: told what is being measured, for people.

    Raises:
        InvalidInput: the spaces are the same one, or sample or k is out of range.
        NotFound: there is no space of that name.
        NotReady: one of them holds no product.
    """
    if a == b:
        raise InvalidInput(f"both spaces are {a}: name two different ones", field="b")
    for field, value, most in (("sample", sample, MOST_SAMPLED), ("k", k, MOST_K)):
        if not 1 <= value <= most:
            raise InvalidInput(f"{field} is {value}, but must lie between 1 and {most}", field=field)
    with database.read() as connection:
        one, other = (Answers(connection, measured_space(connection, name), max(k, PRECISION_K)) for name in (a, b))
        ids = [one.space.id, other.space.id]
        given = {"space_ids": ids, "sample": sample, "seed": seed}
        skus = [sku for _, sku in connection.execute(SQL["any_products"], given).fetchall()]
        report(f"asking both spaces for {len(skus)} products in turns")
        turns = _ask_in_turns(one, other, skus)
        sides = []
        for answers, asked in zip((one, other), turns, strict=True):
            report(f"asking {answers.space.name} for the same exactly")
            sides.append(_side(answers, skus, asked, k, seed))
        sets = read_sets(connection, ids, sample=sample, k=k, seed=seed)
        report(f"asking both for the evaluation sets: {'; '.join(item.label for item in sets) or 'there are none'}")
        quality = judge(sets, one, other, seed=seed)
    shares = [overlap(x[:k], y[:k]) for x, y in zip(turns[0].hits, turns[1].hits, strict=True) if x and y]
    return Comparison(
        a=sides[0],
        b=sides[1],
        k=k,
        sample=sample,
        seed=seed,
        overlap=estimate(shares, seed=seed),
        left_out=len(skus) - len(shares),
        quality=tuple(quality),
    )


def overlap(x: Sequence[Hit], y: Sequence[Hit]) -> float:
    """The share of products that two answers, neither of them empty, have in common; over the longer one's length."""
    common = {hit.product_id for hit in x} & {hit.product_id for hit in y}
    return len(common) / max(len(x), len(y))


def recall(found: Sequence[Hit], exact: Sequence[Hit]) -> float:
    """The share of an exact answer, not empty, that came; one that ties with its last product counts as found."""
    good = sum(hit.score >= exact[-1].score - TIE for hit in found[: len(exact)])
    return good / len(exact)


@dataclass
class _Turns:
    """The answers of one space, product by product, and the seconds that each took."""

    hits: list[list[Hit] | None]
    seconds: list[float]


def _ask_in_turns(one: Answers, other: Answers, skus: Sequence[str]) -> tuple[_Turns, _Turns]:
    for sku in skus[:_WARM_UP]:
        one.ask(sku)
        other.ask(sku)
    turns = _Turns([], []), _Turns([], [])
    both = list(zip((one, other), turns, strict=True))
    for number, sku in enumerate(skus):
        # Whoever is asked second finds the product's row warm: each is first half of the time.
        for answers, turn in both[:: 1 if number % 2 else -1]:
            began = time.perf_counter()
            hits = answers.ask(sku)
            turn.seconds.append(time.perf_counter() - began)
            turn.hits.append(hits)
    return turns


def _side(answers: Answers, skus: Sequence[str], asked: _Turns, k: int, seed: int) -> Side:
    connection, space = answers.connection, answers.space
    exact = [answers.ask_exactly(sku) for sku in skus]
    pairs = [(hits[:k], truth[:k]) for hits, truth in zip(asked.hits, exact, strict=True) if hits and truth]
    p50, p95 = np.percentile(asked.seconds, [50, 95]) if asked.seconds else (0.0, 0.0)
    with connection.cursor(row_factory=class_row(Fill)) as cursor:
        fill = cursor.execute(SQL["fill"], {"space_id": space.id}).fetchone()
    assert fill is not None
    return Side(
        name=space.name,
        state=space.state,
        dimensions=space.fused_dimensions,
        fill=fill,
        recall=estimate([recall(hits, truth) for hits, truth in pairs], seed=seed),
        ann=sum(hits[0].mode == "ann" for hits, _ in pairs) / len(pairs) if pairs else 0.0,
        p50=1e3 * float(p50),
        p95=1e3 * float(p95),
        size=read_size(connection, space.id),
    )
