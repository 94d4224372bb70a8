"""What people came for next, recommended by what they and others had rated: beside popular, trending and best rated."""

import argparse
import csv
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from backend.catalog.importers import import_reviews
from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.evaluation.intervals import Estimate, estimate
from backend.settings import Settings
from backend.spaces.filling import advance_fills
from backend.spaces.life import activate
from backend.spaces.making import make_space
from backend.spaces.recipe import Recipe
from benchmarks._chart import bars
from benchmarks._report import Report
from benchmarks._setup import parser_for
from benchmarks._visits import Cut, Visit, cut, read_visits
from workers.progress import Progress
from workers.worker import Worker

K = 10
OURS = "ours"
PERSON = "SELECT sku FROM recommend_for_user(%(user)s, 10{options}) ORDER BY position"
LIST = "SELECT p.sku FROM {function} l JOIN products p ON p.id = l.product_id ORDER BY l.score DESC, p.id"
SEEN = "ARRAY(SELECT product_id FROM user_signals WHERE user_id = %(user)s)"
BEST = "SELECT sku FROM products WHERE id <> ALL (" + SEEN + ") ORDER BY {by} DESC NULLS LAST, id LIMIT 10"
# A weight that leaves nothing of the other parts.
ALONE = 1000
WAYS = {
    OURS: PERSON.format(options=""),
    "one mean taste": PERSON.format(options=", interests => 1"),
    "without discoveries": PERSON.format(options=", discover => false"),
    "without likeness": PERSON.format(options=f", w_popularity => {ALONE}, w_together => {ALONE}, discover => false"),
    "without popularity": PERSON.format(options=", w_popularity => 0"),
    "without bought together": PERSON.format(options=", w_together => 0"),
    "likeness alone": PERSON.format(options=", w_popularity => 0, w_together => 0, discover => false"),
    "bought together alone": PERSON.format(options=f", w_popularity => 0, w_together => {ALONE}, discover => false"),
    "popular": LIST.format(function=f"popular_products(10, exclude => {SEEN})"),
    "wanted now": LIST.format(function=f"popular_products(10, exclude => {SEEN}, days => 90, half_life => 30)"),
    "trending": LIST.format(function=f"trending_products(10, exclude => {SEEN})"),
    "product mean, Bayesian": BEST.format(by="bayesian_rating"),
    "product mean": BEST.format(by="rating"),
    "random": BEST.format(by="md5(sku || %(user)s)"),
}
BASELINES = ("popular", "wanted now", "product mean, Bayesian", "product mean")
MEASURES = ("nDCG@10", "recall@10", "MRR@10")
CLEAR = "TRUNCATE interest_counts, bought_counts, popularity_counts"
COUNT = "SELECT count_popularity(), count_interest(), count_bought_together()"


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="reviews by user: amazon_musical_instruments_5core.csv.gz"
    )
    parser.add_argument("--encoder", default="minilm", help="of the reviews")
    parser.add_argument("--cuts", type=int, default=8, help="moments that are asked about, one after the other")
    parser.add_argument("--days", type=int, default=30, help="what counts as next, and the time between two moments")
    parser.add_argument("--home", type=Path, help="keep the database here; it must not hold anything yet")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "out", help="where the figures are written")
    options = parser.parse_args()
    visits = read_visits(options.data)
    report = Report("people", options.out, vars(options))
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    cold: dict[str, list[float]] = defaultdict(list)
    users: list[str] = []
    cold_users: list[str] = []
    seconds: dict[str, list[float]] = defaultdict(list)
    with shop(options, visits) as (database, settings):
        known = 0
        for moment in cut(visits, options.cuts, options.days):
            step_to(database, settings, moment, moment.before[known:], options.days if known else 0)
            known = len(moment.before)
            print(f"{moment.day}: {known} reviews before, {len(moment.next)} people after", flush=True)
            for user, wanted in sorted(moment.next.items()):
                rare = [sku for sku in wanted if sku in moment.cold]
                users.append(user)
                if rare:
                    cold_users.append(user)
                for name, statement in WAYS.items():
                    began = time.perf_counter()
                    with database.read() as connection:
                        listed = [row[0] for row in connection.execute(statement.encode(), {"user": user})]
                    seconds[name].append(time.perf_counter() - began)
                    for measure, value in zip(MEASURES, scores(listed, wanted), strict=True):
                        values[name][measure].append(value)
                    if rare:
                        cold[name].append(scores(listed, rare)[0])
    record(report, values, users, cold, cold_users, seconds)


@contextmanager
def shop(options: argparse.Namespace, visits: list[Visit]) -> Iterator[tuple[Database, Settings]]:
    """A database with every product and nothing known of any, and a space of reviews alone."""
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as temporary:
        Path(temporary).chmod(0o755)
        settings = Settings(home=options.home or Path(temporary))
        with open_database(settings) as database:
            upgrade(database)
            with (
                database.write() as connection,
                connection.cursor().copy("COPY products (sku, title) FROM STDIN") as rows,
            ):
                for sku in sorted({visit.sku for visit in visits}):
                    rows.write_row((sku, sku))
            recipe = Recipe(None, None, text_weight=0, image_weight=0, reviews=options.encoder, reviews_weight=1)
            make_space(database, "people", recipe)
            activate(database, "people", force=True)
            yield database, settings


def step_to(database: Database, settings: Settings, moment: Cut, new: list[Visit], passed: int) -> None:
    """Make the moment the present: older reviews move ``passed`` days back, and what was written since comes in."""
    noon = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-") as temporary:
        path = Path(temporary) / "reviews.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("sku", "user_id", "rating", "title", "body", "helpful_votes", "written_at"))
            for visit in new:
                when = noon - timedelta(days=(moment.day - visit.day).days)
                rows.writerow(
                    (visit.sku, visit.user, visit.stars, visit.title, visit.body, visit.votes, when.isoformat())
                )
        with database.write() as connection:
            connection.execute("UPDATE reviews SET written_at = written_at - make_interval(days => %s)", [passed])
        result = import_reviews(database, path)
    print(f"  {result}", flush=True)
    for _ in range(10):
        advance_fills(database)
        Worker(database, settings, Progress(), drain=True).run()
        if all(stage.stage == "filled" for _, stage in advance_fills(database)):
            break
    with database.alone() as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute(CLEAR)
        connection.execute(COUNT)


def scores(listed: list[str], wanted: list[str]) -> tuple[float, float, float]:
    """nDCG, recall and MRR of the first ten, each wanted product a gain of 1 (Jarvelin and Kekalainen 2002)."""
    places = [place for place, sku in enumerate(listed[:K]) if sku in wanted]
    ideal = sum(1 / math.log2(place + 2) for place in range(min(K, len(wanted))))
    gained = sum(1 / math.log2(place + 2) for place in places)
    return gained / ideal, len(places) / len(wanted), 1 / (1 + places[0]) if places else 0.0


def record(
    report: Report,
    values: dict[str, dict[str, list[float]]],
    users: list[str],
    cold: dict[str, list[float]],
    cold_users: list[str],
    seconds: dict[str, list[float]],
) -> None:
    """Tables on the screen, JSON and a chart; a person who comes again is one unit of the bootstrap."""
    rows, against = [], []
    for name, measured in values.items():
        found = {measure: estimate(measured[measure], users) for measure in MEASURES}
        rare = estimate(cold[name], cold_users)
        gains = {
            other: estimate(np.subtract(measured["nDCG@10"], values[other]["nDCG@10"]), users) for other in BASELINES
        }
        colder = estimate(np.subtract(cold[name], cold["random"]), cold_users)
        report.figures[name] = {
            **{measure: as_json(value) for measure, value in found.items()},
            "nDCG@10 of cold products": as_json(rare),
            "nDCG@10 beyond": {other: as_json(value) for other, value in gains.items()},
            "nDCG@10 of cold products beyond random": as_json(colder),
            "milliseconds": round(1000 * float(np.median(seconds[name])), 2),
        }
        rows.append((name, *(text(found[measure]) for measure in MEASURES), text(rare)))
        against.append((name, *(text(gains[other], "+") for other in BASELINES), text(colder, "+")))
    report.figures["questions"] = {"all": len(users), "people": len(set(users)), "cold": len(cold_users)}
    report.table(f"{len(users)} questions of {len(set(users))} people", ("", *MEASURES, "nDCG@10, cold"), rows)
    report.table("nDCG@10 beyond", ("", *BASELINES, "random, cold"), against)
    drawn = [(name, *_span(report.figures[name]["nDCG@10"])) for name in values]
    report.write(bars("What people came for next", "nDCG@10", drawn, "95 % interval"))


def _span(figure: dict[str, Any]) -> tuple[float, float, float]:
    # The scale is logarithmic.
    return max(0.001, figure["mean"]), max(0.001, figure["low"]), max(0.001, figure["high"])


def as_json(value: Estimate | None) -> dict[str, float] | None:
    """Mean and interval, rounded."""
    if value is None:
        return None
    return {"mean": round(value.mean, 5), "low": round(value.low, 5), "high": round(value.high, 5), "n": value.n}


def text(value: Estimate | None, sign: str = "") -> str:
    """Mean and interval for a table."""
    return "" if value is None else f"{value.mean:{sign}.4f} [{value.low:{sign}.4f}, {value.high:{sign}.4f}]"


if __name__ == "__main__":
    main()
