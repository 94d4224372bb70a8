"""``shelfmate evaluate``: every contestant asked the same held-out questions."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from backend.database.connection import Database, Row
from backend.errors import InvalidInput, NotReady
from backend.evaluation.contestants.contestant import Contestant
from backend.evaluation.contestants.spaces import SpaceMean
from backend.evaluation.held_out import Absent, HeldOutSet
from backend.evaluation.judgement import Judge, SetResult, judge_set
from backend.evaluation.line_up import chosen_spaces, line_up, open_spaces
from backend.evaluation.sets import read_sets
from backend.evaluation.signals import SQL, Cut, Split, cut_signals, read_popularity
from backend.evaluation.unseen import unseen_products
from backend.spaces.space import Space

K, MOST_K = 10, 100
QUESTIONS, MOST_QUESTIONS = 1_000, 20_000
COLD = 5

Report = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What is asked.

    ``k``: length of the answers, 1 to 100. ``spaces``: names, the active one and all shadows where empty. ``split``: of
    what people did. ``questions``: of each set at most so many, 1 to 20,000. ``cold``: a held-out product is cold that
    fewer than so many people are known to have had to do with before the cut. ``seed``: of samples and intervals.
    """

    k: int = K
    spaces: tuple[str, ...] = ()
    split: Split = "time"
    questions: int = QUESTIONS
    cold: int = COLD
    seed: int = 0


@dataclass(frozen=True)
class Evaluation:
    """What ``evaluate`` found.

    ``products`` are those of the catalogue, ``pool`` those of them that all ``spaces`` hold and that alone are asked
    for and right. ``absent`` names the sets and contestants that this catalogue does not have, with the
    reason; ``notes`` say what the figures cannot show. ``seconds`` of the whole, by the wall's clock.
    """

    made_at: datetime
    options: Options
    spaces: tuple[str, ...]
    products: int
    pool: int
    cut: Cut
    sets: tuple[SetResult, ...]
    absent: tuple[Absent, ...]
    notes: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values that JSON can hold; times in RFC 3339."""
        document = asdict(self)
        document["made_at"] = self.made_at.isoformat()
        document["cut"]["at"] = None if self.cut.at is None else self.cut.at.isoformat()
        return document


def evaluate(database: Database, options: Options, report: Report = lambda _: None) -> Evaluation:
    """Hold links out, ask every contestant, and measure; nothing is stored, but temporary tables are made.

    ``report`` is told what goes on. Memory grows with the number of questions and by some 200 bytes a product.

    Raises:
        InvalidInput: an option is out of range; ``field`` names it.
        NotFound: there is no space of a name that was given.
        NotReady: a space holds no product, or the spaces have none in common, or no set has a question.
    """
    began = time.perf_counter()
    _check(options)
    spaces = chosen_spaces(database, options.spaces)
    with database.alone() as connection:
        counts = make_pool(connection, spaces)
        report("cutting what people did into what may be known and what is held out")
        cut = cut_signals(connection, options.split, options.seed)
        popularity = read_popularity(connection, cut, counts[1])
        report("looking for products that no projection was fitted on")
        only, notes = _unseen(database, connection, spaces)
        sets, absent = read_sets(connection, cut, questions=options.questions, seed=options.seed, only=only)
        if not sets:
            reasons = "; ".join(f"{one.name}: {one.why}" for one in absent)
            raise NotReady(f"there is nothing to ask in this catalogue: {reasons}", retry_after=None)
        opened = open_spaces(database, connection, spaces, cut, options.k)
        contestants, missing = line_up(
            connection, opened, sets, cut, popularity, k=options.k, seed=options.seed, report=report
        )
        judge = Judge(connection, options.k, options.seed, popularity, options.cold, spaces[0].id, products=counts[0])
        results = tuple(_ask(one, contestants, judge, report) for one in sets)
        notes += _late_reviews(connection, spaces, cut)
    return Evaluation(
        made_at=datetime.now(UTC),
        options=options,
        spaces=tuple(space.name for space in spaces),
        products=counts[0],
        pool=counts[1],
        cut=cut,
        sets=results,
        absent=(*absent, *missing),
        notes=tuple(notes),
        seconds=time.perf_counter() - began,
    )


def _check(options: Options) -> None:
    for field, value, most in (
        ("k", options.k, MOST_K),
        ("questions", options.questions, MOST_QUESTIONS),
        ("cold", options.cold, 1_000_000),
    ):
        if not 1 <= value <= most:
            raise InvalidInput(f"{field} is {value}, but must lie between 1 and {most}", field=field)


def make_pool(connection: Connection[Row], spaces: Sequence[Space]) -> tuple[int, int]:
    """Make the temporary table of the products that all spaces hold; how many the catalogue and the pool have.

    Raises:
        NotReady: they hold none in common.
    """
    connection.execute(SQL["pool"], {"space_ids": [space.id for space in spaces]})
    connection.execute(SQL["index_pool"])
    connection.execute(SQL["analyze_pool"])
    row = connection.execute(SQL["counts"]).fetchone()
    assert row is not None
    if not row[1]:
        names = ", ".join(space.name for space in spaces) or "no space"
        raise NotReady(f"no product is embedded in {names}: a worker fills spaces (shelfmate worker)", retry_after=None)
    return row[0], row[1]


def _unseen(
    database: Database, connection: Connection[Row], spaces: Sequence[Space]
) -> tuple[list[int] | None, list[str]]:
    found = [unseen_products(database, connection, space) for space in spaces]
    kept = [one.products for one in found if one.products is not None]
    only = sorted(frozenset.intersection(*kept)) if kept else None
    return only, [one.note for one in found if one.note]


def _ask(one: HeldOutSet, contestants: Sequence[Contestant], judge: Judge, report: Report) -> SetResult:
    given = []
    # A way to ask for people is no contestant where products are asked for.
    asked = [who for who in contestants if one.kind == "person" or not isinstance(who, SpaceMean)]
    for number, contestant in enumerate(asked, start=1):
        report(f"{one.name}: asking {contestant.name} ({number} of {len(asked)})")
        given.append((contestant, contestant.answers(one, judge.k)))
    report(f"{one.name}: measuring")
    return judge_set(one, given, judge)


def _late_reviews(connection: Connection[Row], spaces: Sequence[Space], cut: Cut) -> list[str]:
    names = [space.name for space in spaces if space.reviews_dimensions]
    if cut.at is None or not names:
        return []
    row = connection.execute(SQL["late_reviews"], {"cut": cut.at}).fetchone()
    if row is None or not row[0]:
        return []
    note = (
        f"{', '.join(names)}: reviews are in these vectors, {row[0]:,} of them written after the cut: figures on "
        "bought together and last event are too good where a review of the held-out purchase itself is among them"
    )
    return [note]
