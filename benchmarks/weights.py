"""Any weights at query time: recall against the exact weighted sum, time beside unweighted and beside merged lists."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._chart import lines
from benchmarks._corpus import Corpus
from benchmarks._database import Filled, filled, sample_options
from benchmarks._measure import Truth, alternate, ratios
from benchmarks._merging import Merger
from benchmarks._report import Report, spread
from benchmarks._setup import parser_for

K = 10
STEPS = 11
OURS, PLAIN, RRF, WEIGHTED = "Shelfmate", "unweighted", "two lists, RRF", "two lists, weighted"
UNWEIGHTED = "SELECT product_id, s.* FROM similar_products(%s, %s) s"
STATEMENT = "SELECT product_id, s.* FROM similar_products(%s, %s, w_text => %s, w_image => %s) s"

Query = tuple[int, float]


def main() -> None:
    parser = parser_for(__doc__)
    sample_options(parser, rows=12_000)
    parser.add_argument("--queries", type=int, default=300, help="products asked for at each step")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report = Report("weights", options.out, vars(options))
    with filled(options) as state:
        corpus = Corpus(state.sample, options.seed)
        random = np.random.default_rng(options.seed + 1)
        able = np.flatnonzero(state.sample.has_image)
        products = random.choice(able, min(options.queries, len(able)), replace=False).tolist()
        for step in range(STEPS):
            w_text = step / (STEPS - 1)
            report.figures[f"{w_text:.1f}"] = measure(
                state, corpus, [(row, w_text) for row in products], options.rounds
            )
            print(f"text {w_text:.1f}: done", flush=True)
    record(report)
    steps = list(report.figures)[:STEPS]
    series: dict[str, list[float | None]] = {
        name: [report.figures[step][name]["p50_ms"] for step in steps] for name in (OURS, PLAIN, RRF, WEIGHTED)
    }
    report.write(lines(f"Top 10 of {options.rows:,} products by weight of the text: p50", "ms", steps, series))


def measure(state: Filled, corpus: Corpus, queries: list[Query], rounds: int) -> dict[str, Any]:
    """One step: all four ways on the same products, alternating."""
    skus = [product["sku"] for product in corpus.sample.products]
    truths = [weighted_truth(corpus, row, w_text) for row, w_text in queries]
    recalls: dict[str, list[float]] = {name: [] for name in (OURS, PLAIN, RRF, WEIGHTED)}
    modes = set()
    with state.database.alone() as connection:
        merger = Merger(connection, skus)

        def ours(query: Query) -> list[Any]:
            row, w_text = query
            return connection.execute(STATEMENT, [skus[row], K, w_text, 1 - w_text], prepare=True).fetchall()

        def judge(name: str, number: int, answer: Any) -> None:
            recalls[name].append(truths[number].recall([product_id - 1 for product_id, *_ in answer]))
            if name == OURS:
                modes.add(answer[0][-1])

        askers = {
            OURS: ours,
            PLAIN: lambda query: connection.execute(UNWEIGHTED, [skus[query[0]], K], prepare=True).fetchall(),
            RRF: lambda query: merger.by_rank(query[0], query[1], K),
            WEIGHTED: lambda query: merger.by_score(query[0], query[1], K),
        }
        timings = alternate(askers, queries, rounds, judge)
    answer: dict[str, Any] = {
        name: {"recall": float(np.mean(recalls[name])), **timings[name].summary()} for name in askers
    }
    answer["p50 / unweighted"] = ratios(timings[OURS], timings[PLAIN])
    best = min((RRF, WEIGHTED), key=lambda name: float(np.median(timings[name].percentile(50))))
    answer["p50 of two lists / ours"] = ratios(timings[best], timings[OURS])
    answer["modes"] = sorted(modes)
    return answer


def weighted_truth(corpus: Corpus, row: int, w_text: float) -> Truth:
    """By the weighted sum of the two cosines; a product without a photograph has none of it."""
    scores: NDArray[np.float32] = np.float32(w_text) * _cosines(corpus, "text", row)
    scores = scores + np.float32(1 - w_text) * _cosines(corpus, "image", row)
    return Truth(scores, corpus.matches(None, row), K)


def _cosines(corpus: Corpus, block: str, row: int) -> NDArray[np.float32]:
    units: NDArray[np.float32] = corpus.blocks[block]
    cosines: NDArray[np.float32] = units @ units[row]
    return cosines


def record(report: Report) -> None:
    """The table by step and the promised figures."""
    rows: list[list[object]] = []
    for step, f in report.figures.items():
        rows.append(
            [
                step,
                f"{f[OURS]['recall']:.4f}",
                spread([f[OURS]["p50_ms"]]),
                spread(f["p50 / unweighted"]),
                f"{f[RRF]['recall']:.3f}",
                f"{f[WEIGHTED]['recall']:.3f}",
                spread(f["p50 of two lists / ours"]),
                ", ".join(f["modes"]),
            ]
        )
    head = [
        "text",
        "recall@10",
        "p50 ms",
        "p50 / unweighted",
        "RRF recall",
        "weighted recall",
        "two lists / ours",
        "mode",
    ]
    report.table(f"weights of text and image, {STEPS} steps", head, rows)
    figures = list(report.figures.values())
    worst = max(float(np.median(f["p50 / unweighted"])) for f in figures)
    conclusions = {
        "least recall of a step": min(f[OURS]["recall"] for f in figures),
        "greatest p50 / unweighted": worst,
        "least p50 of two lists / ours": min(float(np.median(f["p50 of two lists / ours"])) for f in figures),
        "recall of merged lists": [
            min(min(f[RRF]["recall"], f[WEIGHTED]["recall"]) for f in figures),
            max(max(f[RRF]["recall"], f[WEIGHTED]["recall"]) for f in figures),
        ],
    }
    report.table("in all", ["", "figure"], [[key, str(value)] for key, value in conclusions.items()])
    report.figures["conclusions"] = conclusions


if __name__ == "__main__":
    main()
