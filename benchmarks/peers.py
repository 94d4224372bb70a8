"""Top 10 without a filter beside faiss, hnswlib, numpy, scikit-learn and embedded vector databases, at equal recall."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._chart import bars
from benchmarks._corpus import Corpus
from benchmarks._database import filled, sample_options
from benchmarks._engines.engine import Engine
from benchmarks._engines.postgres import BareStatement, NaiveClient, NaiveTable, Shelfmate
from benchmarks._line_up import built, choose, engine_options
from benchmarks._measure import Timings, alternate, ratios
from benchmarks._report import Report, mebibytes, spread
from benchmarks._setup import parser_for
from benchmarks._tuning import tune

K = 10


def main() -> None:
    parser = parser_for(__doc__)
    sample_options(parser, rows=12_000)
    engine_options(parser)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    report = Report("peers", options.out, vars(options))
    with filled(options, single_modality=False) as state, ExitStack() as stack:
        corpus = Corpus(state.sample, options.seed)
        random = np.random.default_rng(options.seed + 1)
        drawn = random.choice(len(corpus.sample), min(2 * options.queries, len(corpus.sample)), replace=False).tolist()
        training, queries = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shelfmate-peers-")))
        chosen, skipped = choose(options.engines)
        ours: list[Engine] = [
            made(corpus, directory, state) for made in (Shelfmate, BareStatement, NaiveClient, NaiveTable)
        ]
        engines, seconds = built([*ours, *(made(corpus, directory / made.__name__) for made in chosen)], stack)
        seconds[Shelfmate.name] = sum(state.seconds.values())
        for engine in engines:
            tune(engine, corpus, [(row, None) for row in training], K)
        timings, recalls = compare(engines, corpus, queries, options.rounds)
        record(report, engines, timings, recalls, seconds, skipped)
    chart = [(name, *_ends(timing)) for name, timing in timings.items()]
    report.write(bars(f"Top 10 of {options.rows:,} products: p50 of a query", "ms", chart))


def compare(
    engines: list[Engine], corpus: Corpus, queries: list[int], rounds: int
) -> tuple[dict[str, Timings], dict[str, float]]:
    """Timings and mean recall of each engine on the same queries, alternating."""
    by_name = {engine.name: engine for engine in engines}
    recalls: dict[str, list[float]] = {name: [] for name in by_name}

    def judge(name: str, number: int, answer: object) -> None:
        row = queries[number]
        recalls[name].append(truths[number].recall(by_name[name].found(answer, row, K)))

    truths = [corpus.truth(row, K) for row in queries]
    askers = {name: (lambda row, engine=engine: engine.ask(row, K)) for name, engine in by_name.items()}
    timings = alternate(askers, queries, rounds, judge)
    return timings, {name: float(np.mean(values)) for name, values in recalls.items()}


def record(
    report: Report,
    engines: list[Engine],
    timings: dict[str, Timings],
    recalls: dict[str, float],
    seconds: dict[str, float],
    skipped: list[tuple[str, str]],
) -> None:
    """The table and the JSON."""
    table: list[list[object]] = []
    for engine in engines:
        timing = timings[engine.name]
        ratio = ratios(timing, timings[Shelfmate.name])
        size = engine.size()
        table.append(
            [
                engine.name,
                "" if engine.ef is None else engine.ef,
                f"{recalls[engine.name]:.4f}",
                spread(timing.percentile(50)),
                spread(timing.percentile(95)),
                spread(ratio),
                mebibytes(size),
                f"{seconds[engine.name]:.1f}" if engine.name in seconds else "",
            ]
        )
        figures: dict[str, Any] = {"ef": engine.ef, "recall": recalls[engine.name], **timing.summary()}
        figures |= {"ratio_to_shelfmate": ratio, "bytes": size, "build_seconds": seconds.get(engine.name)}
        report.figures[engine.name] = figures
    for name, reason in skipped:
        table.append([name, reason, "", "", "", "", "", ""])
        report.figures[name] = {"skipped": reason}
    head = ["", "ef", "recall@10", "p50 ms", "p95 ms", "p50 / Shelfmate's", "MiB", "build s"]
    report.table(f"top {K} of {len(engines[0].corpus.sample):,} products", head, table)


def _ends(timing: Timings) -> tuple[float, float, float]:
    values = timing.percentile(50)
    return float(np.median(values)), min(values), max(values)


if __name__ == "__main__":
    main()
