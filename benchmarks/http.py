"""HTTP beside SQL: the same ranking by a WSGI call and by a prepared statement, identical answers, and throughput."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any, cast

import numpy as np
from flask import Flask
from psycopg.types.json import Jsonb
from werkzeug.test import EnvironBuilder

from backend.app import create_app
from backend.recommend import frozen
from backend.spaces.embedder import Embedder
from benchmarks._chart import bars
from benchmarks._database import Filled, filled, sample_options
from benchmarks._load import Load, kept_values, load_of_api, load_of_statement
from benchmarks._measure import alternate, ratios
from benchmarks._report import Report, spread
from benchmarks._setup import parser_for

GET, POST = "GET similar", "POST recommendations"
SIMILAR, RECOMMEND = "similar_products", "recommend"
KEPT = "the API's statement"


def main() -> None:
    parser = parser_for(__doc__)
    sample_options(parser, rows=12_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--identical", type=int, default=1_000, help="random requests whose answers are compared")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=8, help="of each round of load; 0 measures no throughput")
    parser.add_argument("--load-rounds", type=int, default=3)
    options = parser.parse_args()
    report = Report("http", options.out, vars(options))
    random = np.random.default_rng(options.seed + 1)
    with filled(options) as state:
        skus = [str(state.sample.products[i]["sku"]) for i in random.permutation(len(state.sample))]
        app = create_app(state.database, Embedder(), state.settings)
        latency(report, state, app, skus[: options.queries], options.rounds)
        identical(report, state, app, options.identical, random)
        if options.seconds:
            throughput(report, state, skus[:1_000], options)
    figures = [(name, f["p50_ms"], *f["p50_ms_spread"]) for name, f in report.figures["latency"].items()]
    report.write(bars(f"Top 10 of {options.rows:,} products, one client: p50", "ms", figures))


def call(app: Flask, method: str, path: str, body: Any = None) -> Callable[[], bytes]:
    """A request as a server hands it over; each call parses it anew and returns the body of the answer."""
    content = b"" if body is None else json.dumps(body).encode()
    kind = None if body is None else "application/json"
    environ = EnvironBuilder(path=path, method=method, data=content, content_type=kind).get_environ()

    def ask() -> bytes:
        statuses: list[str] = []

        def start(status: str, _headers: object, _error: object = None, /) -> Callable[[bytes], object]:
            statuses.append(status)
            return BytesIO().write

        found = b"".join(app.wsgi_app({**environ, "wsgi.input": BytesIO(content)}, start))
        if not statuses[0].startswith("200"):
            raise AssertionError(f"{method} {path}: {statuses[0]}: {found[:500]!r}")
        return found

    return ask


def latency(report: Report, state: Filled, app: Flask, skus: list[str], rounds: int) -> None:
    """Both requests beside the published functions and beside the statement that the API itself runs."""
    gets = {sku: call(app, "GET", f"/v1/products/{sku}/similar?k=10") for sku in skus}
    posts = {sku: call(app, "POST", "/v1/recommendations", asked(sku)) for sku in skus}
    with state.database.alone() as connection:

        def kept(sku: str) -> object:
            return connection.execute(frozen.SQL["recommend"], kept_values(asked(sku)), prepare=True).fetchone()

        askers: dict[str, Callable[[str], object]] = {
            GET: lambda sku: gets[sku](),
            POST: lambda sku: posts[sku](),
            KEPT: kept,
            RECOMMEND: lambda sku: connection.execute(
                "SELECT * FROM recommend(%s)", [Jsonb(asked(sku))], prepare=True
            ).fetchall(),
            SIMILAR: lambda sku: connection.execute(
                "SELECT * FROM similar_products(%s, 10)", [sku], prepare=True
            ).fetchall(),
        }
        timings = alternate(askers, skus, rounds)
    report.figures["latency"] = {name: timing.summary() for name, timing in timings.items()}
    rows: list[list[object]] = []
    for name, timing in timings.items():
        against = [spread(ratios(timing, timings[other])) for other in (KEPT, RECOMMEND, SIMILAR)]
        report.figures["latency"][name]["p50_ratios"] = {
            other: ratios(timing, timings[other]) for other in (KEPT, RECOMMEND, SIMILAR)
        }
        rows.append([name, spread(timing.percentile(50)), spread(timing.percentile(95)), *against])
    head = ["", "p50 ms", "p95 ms", *(f"p50 / {other}" for other in (KEPT, RECOMMEND, SIMILAR))]
    report.table("one client", head, rows)


def asked(sku: str) -> dict[str, Any]:
    """The plainest recommendation."""
    return {"like": [{"sku": sku}], "k": 10}


def identical(report: Report, state: Filled, app: Flask, count: int, random: np.random.Generator) -> None:
    """Random requests by HTTP and by the published function: how many differ in an id or in a score."""
    different: list[Any] = []
    with state.database.alone() as connection:
        for _ in range(count):
            body = random_request(state, random)
            answer = json.loads(call(app, "POST", "/v1/recommendations", body)())
            by_http = [(item["sku"], item["score"]) for item in answer["items"]]
            statement = "SELECT sku, score FROM recommend(%s) ORDER BY position"
            by_sql = cast(list[tuple[str, float]], connection.execute(statement, [Jsonb(body)]).fetchall())
            if by_http != by_sql:
                different.append(body)
    report.figures["identical"] = {"requests": count, "different": len(different), "first": different[:1]}
    report.table("HTTP and SQL", ["requests", "that differ in an id or a score"], [[count, len(different)]])


def random_request(state: Filled, random: np.random.Generator) -> dict[str, Any]:
    """A request with a random part of what can be asked."""
    products = state.sample.products

    def sku() -> str:
        return str(products[int(random.integers(len(products)))]["sku"])

    body: dict[str, Any] = {"like": [{"sku": sku()} for _ in range(int(random.integers(1, 4)))]}
    body["k"] = int(random.choice([1, 5, 10, 50]))
    if random.random() < 0.3:
        body["unlike"] = [{"sku": sku(), "weight": 0.5}]
    if random.random() < 0.5:
        body["weights"] = {"text": round(float(random.random()), 2), "image": round(float(random.random()) + 0.01, 2)}
    if random.random() < 0.5:
        one = products[int(random.integers(len(products)))]
        leaves = [
            {"field": "category", "under": str(one["category"]).partition("/")[0]},
            {"field": "price", "gte": 500},
        ]
        body["filter"] = {"all": leaves[: int(random.integers(1, 3))]}
    if random.random() < 0.2:
        body["exact"] = True
    return body


def throughput(report: Report, state: Filled, skus: list[str], options: Any) -> None:
    """Requests a second of the served API and of psycopg, round about on the same cores."""
    loads: dict[str, list[float]] = {}
    load = Load(state, skus, clients=options.clients, seconds=options.seconds)
    api, client = load_of_api(load)
    with api as run_api:
        for _ in range(options.load_rounds):
            for name, run in (
                (f"API, {client}", run_api),
                (f"psycopg: {KEPT}", lambda: load_of_statement(load, "kept")),
                (f"psycopg: {SIMILAR}", lambda: load_of_statement(load, "similar")),
            ):
                loads.setdefault(name, []).append(run())
    first = next(iter(loads))
    shares = {name: [a / b for a, b in zip(loads[first], rates, strict=True)] for name, rates in loads.items()}
    report.figures["throughput"] = {"per_second": loads, "share_of": shares}
    rows: list[list[object]] = [[name, spread(rates), spread(shares[name])] for name, rates in loads.items()]
    report.table(f"{options.clients} clients", ["", "a second", "the API's share of it"], rows)


if __name__ == "__main__":
    main()
