"""What people did, cut into what contestants may know and what is held out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg import Connection

from backend.database.connection import Row
from backend.database.queries import load_queries
from backend.evaluation.spread import Popularity

SQL = load_queries("evaluate")

Split = Literal["time", "random"]

# The share of signals that contestants may know.
TRAINING = 0.8


@dataclass(frozen=True)
class Cut:
    """How signals were cut.

    ``split`` is None where there are none. ``at``: what happened then or later is the test and known to nobody; None
    of a random split, where all that one person did with one product falls on one side. ``training`` and ``test``
    count signals, ``untimed`` those left out because nobody knows their time. ``note`` says it for people.
    """

    split: Split | None
    at: datetime | None
    signals: int
    people: int
    training: int
    test: int
    untimed: int
    note: str


def cut_signals(connection: Connection[Row], wanted: Split, seed: int) -> Cut:
    """Gather the signals of the pool (``evaluation_pool`` is there) into a temporary table, and cut it.

    By time, the cut is where ``TRAINING`` of the signals lie before. Where all have one time, or none, the split is
    random, and the note says so.
    """
    connection.execute(SQL["signals"])
    row = connection.execute(SQL["times"], {"training": TRAINING}).fetchone()
    assert row is not None
    signals, people, timed, first_at, last_at, until = row
    at = None
    if not signals:
        note = "nobody did anything with these products: no views, purchases, or reviews by known people"
        return Cut(None, None, 0, 0, 0, 0, 0, note)
    untimed = 0
    if wanted == "time" and timed and first_at < last_at:
        later = connection.execute(SQL["next_time"], {"at": until}).fetchone()
        # Where the last moment alone is more than the test's share, it is the test.
        at = later[0] if later is not None and later[0] is not None else until
        untimed = signals - timed
        if untimed:
            connection.execute(SQL["drop_untimed"])
        connection.execute(SQL["cut_at_time"], {"cut": at})
        note = f"time split: what happened at {at:%Y-%m-%d %H:%M:%S %Z} or later is held out, and nobody knows it"
        if untimed:
            note += f"; {untimed:,} signals without a time are left out"
    else:
        connection.execute(SQL["cut_at_random"], {"training": TRAINING, "seed": seed})
        why = "as asked" if wanted == "random" else "no signal has a time" if not timed else "all signals have one time"
        note = f"random split ({why}): contestants may know what happened after what they are asked for"
    for step in ("index_people", "index_products", "analyze_signals"):
        connection.execute(SQL[step])
    sides = connection.execute(SQL["sides"]).fetchone()
    assert sides is not None
    return Cut("time" if at else "random", at, signals, people, sides[0], sides[1], untimed, note)


def read_popularity(connection: Connection[Row], cut: Cut, products: int) -> Popularity:
    """How many people each product is known by before the cut; a review whose writer is not known counts as one."""
    rows = connection.execute(SQL["popularity"], {"cut": cut.at}).fetchall()
    return Popularity(dict(rows), products)
