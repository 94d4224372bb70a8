"""Who is asked: the baselines that a catalogue allows, and the spaces in all the ways they can be asked."""

from collections.abc import Callable, Sequence

import numpy as np
from psycopg import Connection

from backend.database.connection import Database, Row
from backend.evaluation.answers import Answers, measured_space
from backend.evaluation.contestants.contestant import Contestant
from backend.evaluation.contestants.simple import Random, best_rated, popular
from backend.evaluation.contestants.spaces import Opened, SpaceAsked, SpaceMean
from backend.evaluation.contestants.tfidf import fit_tfidf
from backend.evaluation.contestants.together import Together
from backend.evaluation.held_out import Absent, HeldOutSet
from backend.evaluation.signals import SQL, Cut
from backend.evaluation.spread import Popularity
from backend.spaces.embedder import Embedder
from backend.spaces.life import find_space
from backend.spaces.space import Space, list_spaces


def chosen_spaces(database: Database, names: Sequence[str]) -> list[Space]:
    """The spaces of these names; without any the active one and all shadows, the active one first.

    Raises:
        NotFound: there is none of a name.
    """
    if names:
        return [find_space(database, name) for name in dict.fromkeys(names)]
    spaces = [space for space in list_spaces(database) if space.state in ("active", "shadow")]
    return sorted(spaces, key=lambda space: space.state != "active")


def open_spaces(
    database: Database, connection: Connection[Row], spaces: Sequence[Space], cut: Cut, k: int
) -> list[Opened]:
    """Spaces as they are asked for answers of k products, as of the cut; encoders that they have in common load once.

    Raises:
        NotReady: one of them holds no product.
    """
    embedder = Embedder(database)
    return [
        Opened(connection, space, Answers(connection, measured_space(connection, space.name), k), embedder, cut.at)
        for space in spaces
    ]


def line_up(
    connection: Connection[Row],
    opened: Sequence[Opened],
    sets: Sequence[HeldOutSet],
    cut: Cut,
    popularity: Popularity,
    *,
    k: int,
    seed: int,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[list[Contestant], list[Absent]]:
    """All contestants, baselines first and spaces last, and those that this catalogue does not allow, with the reason.

    What they may know is gathered now; ``report`` is told what takes long.
    """
    ids = np.fromiter((row[0] for row in connection.execute(SQL["pool_ids"])), dtype=np.int64)
    found: list[Contestant] = [Random(ids, seed)]
    absent: list[Absent] = []
    if popularity:
        found.append(popular(popularity))
    else:
        absent.append(
            Absent(
                "popular",
                cut.note if cut.split is None else "nobody is known to have had to do with anything before the cut",
            )
        )
    rated = best_rated(connection, cut)
    if rated is None:
        absent.append(Absent("best rated", "nothing was rated before the cut"))
    else:
        found.append(rated)
    if any(one.of_signals for one in sets):
        found.append(Together(connection))
    found.append(fit_tfidf(connection, sets, len(ids), k, report))
    for one in opened:
        found += [SpaceAsked(one, method) for method in one.answers.space.methods if method != "fused"]
    if any(one.kind == "person" for one in sets):
        found += [SpaceMean(one) for one in opened]
    found += [SpaceAsked(one) for one in opened]
    return found, absent
