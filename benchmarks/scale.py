"""As the catalogue grows: top 10 by the index beside the exact scan, recall, and what building and keeping it takes."""

from typing import Any

import numpy as np

from benchmarks._chart import lines
from benchmarks._corpus import Corpus
from benchmarks._database import Filled, filled, sample_options
from benchmarks._measure import alternate, ratios
from benchmarks._report import Report, mebibytes, spread
from benchmarks._setup import parser_for

K = 10
INDEX = "product_embeddings_1_fused_hnsw"
OURS, EXACT = "similar_products", "similar_products_exact"


def main() -> None:
    parser = parser_for(__doc__)
    sample_options(parser, rows=12_000)
    parser.add_argument("--sizes", type=int, nargs="*", help="several sizes, one after the other, instead of --rows")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--exact-queries", type=int, default=20, help="of those, also by exact scan")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report = Report("scale", options.out, vars(options) | {"noise": "see benchmarks/_sample.py"})
    sizes = options.sizes or [options.rows]
    for rows in sizes:
        options.rows = rows
        with filled(options, single_modality=False) as state:
            report.figures[f"{rows:,}"] = measure(state, options)
    record(report)
    series: dict[str, list[float | None]] = {
        name: [f[name]["p50_ms"] for f in report.figures.values()] for name in (OURS, EXACT)
    }
    report.write(lines("Top 10 by number of products: p50", "ms", list(report.figures), series))


def measure(state: Filled, options: Any) -> dict[str, Any]:
    """One size."""
    corpus = Corpus(state.sample, options.seed)
    random = np.random.default_rng(options.seed + 1)
    queries = random.choice(len(corpus.sample), min(options.queries, len(corpus.sample)), replace=False).tolist()
    skus = [product["sku"] for product in corpus.sample.products]
    recalls: list[float] = []
    modes = set()
    with state.database.alone() as connection:

        def asker(function: str) -> Any:
            statement = f"SELECT product_id, s.* FROM {function}(%s, %s) s".encode()
            return lambda row: connection.execute(statement, [skus[row], K], prepare=True).fetchall()

        def judge(name: str, number: int, answer: Any) -> None:
            if name == OURS:
                truth = corpus.truth(queries[number], K)
                recalls.append(truth.recall([product_id - 1 for product_id, *_ in answer]))
                modes.add(answer[0][-1])

        # All by the index for the recall, then both in turns for the times.
        alone = alternate({OURS: asker(OURS)}, queries, options.rounds, judge)
        both = alternate(
            {name: asker(name) for name in (OURS, EXACT)}, queries[: options.exact_queries], options.rounds
        )
    return {
        OURS: alone[OURS].summary(),
        EXACT: both[EXACT].summary(),
        "exact / index": ratios(both[EXACT], both[OURS]),
        "recall": float(np.mean(recalls)),
        "recall_p5": float(np.percentile(recalls, 5)),
        "modes": sorted(modes),
        "seconds": state.seconds,
        "index_bytes": state.size(INDEX),
        "vectors_bytes": state.size("product_embeddings_1"),
        "products_bytes": state.size("products"),
    }


def record(report: Report) -> None:
    """The table by size."""
    rows: list[list[object]] = []
    for size, f in report.figures.items():
        rows.append(
            [
                size,
                spread([f[OURS]["p50_ms"]]),
                spread([f[OURS]["p99_ms"]]),
                spread([f[EXACT]["p50_ms"]]),
                spread(f["exact / index"]),
                f"{f['recall']:.4f}",
                f"{f['recall_p5']:.2f}",
                ", ".join(f["modes"]),
                mebibytes(f["index_bytes"]),
                mebibytes(f["vectors_bytes"] - f["index_bytes"]),
                spread([f["seconds"].get("copy", 0.0)]),
                spread([f["seconds"].get(INDEX, 0.0)]),
            ]
        )
    head = ["products", "p50 ms", "p99 ms", "exact ms", "exact / index", "recall@10", "p5", "mode"]
    head += ["index MiB", "vectors MiB", "copy s", "build s"]
    report.table("top 10 by number of products (0 s: kept from an earlier run)", head, rows)


if __name__ == "__main__":
    main()
