"""Filters of 50 % to .02 %, independent of the query, around it and far from it: ours beside pgvector and the peers."""

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._chart import lines
from benchmarks._corpus import Corpus, Window
from benchmarks._database import Filled, filled, sample_options
from benchmarks._engines.engine import Engine
from benchmarks._engines.postgres import Shelfmate, ShelfmateAttributes, StrictOrder
from benchmarks._line_up import PEERS, built, choose, engine_options
from benchmarks._measure import Timings, Truth, alternate
from benchmarks._report import Report
from benchmarks._setup import parser_for
from benchmarks._tuning import COARSE, TARGET, Case, tune

K = 10
SHARES = (0.5, 0.2, 0.1, 0.05, 0.01, 0.001, 0.0002)
KINDS = ("independent", "near the query", "far from the query")


@dataclass
class Cell:
    """What one engine did in one cell of the grid."""

    timings: Timings
    recalls: list[float] = field(default_factory=list)
    ef: int | None = None
    short: int = 0
    outside: int = 0

    def figures(self) -> dict[str, Any]:
        """For the JSON; recall by the first round, times as the median over rounds."""
        mean, low = float(np.mean(self.recalls)), float(np.percentile(self.recalls, 5))
        return {
            "ef": self.ef,
            "recall": mean,
            "recall_p5": low,
            "short": self.short,
            "outside": self.outside,
            **self.timings.summary(),
        }


Cells = dict[str, dict[str, dict[str, Any]]]


def main() -> None:
    parser = parser_for(__doc__)
    sample_options(parser, rows=12_000)
    engine_options(parser)
    # It looks at every payload in Python: some tenths of a second a query, hours for the grid.
    parser.set_defaults(engines=sorted(set(PEERS) - {"qdrant-local"}))
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--training", type=int, default=40, help="other queries, by which peers are tuned in each cell")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shares", type=float, nargs="*", default=SHARES)
    options = parser.parse_args()
    report = Report("filters", options.out, vars(options))
    with filled(options, single_modality=False) as state, ExitStack() as stack:
        corpus = Corpus(state.sample, options.seed)
        engines, skipped = line_up(options, corpus, state, stack)
        random = np.random.default_rng(options.seed + 1)
        drawn = random.permutation(len(corpus.sample)).tolist()
        training, queries = drawn[: options.training], drawn[-options.queries :]
        cells: Cells = {"": {}}
        cells[""]["1"] = measure(engines, corpus, [(i, None) for i in training], [(i, None) for i in queries], options)
        ours = next(engine for engine in engines if type(engine) is Shelfmate)
        for kind in KINDS:
            ours.carry("scattered" if kind == KINDS[0] else "clustered")
            cells[kind] = {}
            for share in options.shares:
                before: list[Case] = [(row, window(corpus, kind, share, row, random)) for row in training]
                cases: list[Case] = [(row, window(corpus, kind, share, row, random)) for row in queries]
                cells[kind][f"{share:g}"] = measure(engines, corpus, before, cases, options)
                print(f"{kind}, {share:.2%}: done", flush=True)
    record(report, cells, skipped, [engine.name for engine in engines])
    report.write(chart(options, cells, [engine.name for engine in engines]))


def line_up(
    options: argparse.Namespace, corpus: Corpus, state: Filled, stack: ExitStack
) -> tuple[list[Engine], list[tuple[str, str]]]:
    """Ours and pgvector's, and the peers that have filters."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shelfmate-filters-")))
    chosen, skipped = choose(options.engines, with_filters=True)
    ours = [made(corpus, directory, state) for made in (Shelfmate, ShelfmateAttributes, StrictOrder)]
    engines, _seconds = built([*ours, *(made(corpus, directory / made.__name__) for made in chosen)], stack)
    return engines, skipped


def window(corpus: Corpus, kind: str, share: float, row: int, random: np.random.Generator) -> Window:
    """The filter of one query in one cell."""
    if kind == KINDS[0]:
        return corpus.scattered(share, random)
    return corpus.clustered(share, row, near=kind == KINDS[1])


def measure(
    engines: list[Engine], corpus: Corpus, training: list[Case], cases: list[Case], options: argparse.Namespace
) -> dict[str, Any]:
    """Every engine on the same filtered queries, alternating: figures by engine.

    Each peer is tuned for this very cell first; Shelfmate finds its own way in all of them.
    """
    for engine in engines:
        if not isinstance(engine, Shelfmate):
            tune(engine, corpus, training, K, COARSE)
    truths = [corpus.truth(row, K, inside) for row, inside in cases]
    cells = {engine.name: Cell(Timings(), ef=engine.ef) for engine in engines}
    by_name = {engine.name: engine for engine in engines}

    def judge(name: str, number: int, answer: object) -> None:
        rows = by_name[name].found(answer, cases[number][0], K)
        add(cells[name], truths[number], rows)

    askers = {name: (lambda case, engine=engine: engine.ask(case[0], K, case[1])) for name, engine in by_name.items()}
    for name, timings in alternate(askers, cases, options.rounds, judge).items():
        cells[name].timings = timings
    return {name: cell.figures() for name, cell in cells.items()}


def add(cell: Cell, truth: Truth, rows: list[int]) -> None:
    """Judge one answer."""
    cell.recalls.append(truth.recall(rows))
    cell.short += truth.is_short(rows)
    cell.outside += truth.outside(rows)


def record(report: Report, cells: Cells, skipped: list[tuple[str, str]], names: list[str]) -> None:
    """One table for each kind of filter, and what follows from them."""
    report.figures |= {"cells": cells, "skipped": dict(skipped)}
    unfiltered = cells[""]["1"]
    for kind in KINDS:
        rows: list[list[object]] = []
        for share, by_engine in cells[kind].items():
            for name in names:
                f = by_engine[name]
                relative = f["p99_ms"] / unfiltered[name]["p99_ms"]
                rows.append(
                    [
                        f"{float(share):.2%}" if name == names[0] else "",
                        name,
                        *(f"{f[p]:.3g}" for p in ("p50_ms", "p95_ms", "p99_ms")),
                        f"{relative:.2f}",
                        f["ef"] or "",
                        f"{f['recall']:.4f}",
                        f["short"],
                        f["outside"],
                    ]
                )
        head = ["match", "", "p50 ms", "p95 ms", "p99 ms", "p99 / its unfiltered", "ef", "recall", "short", "outside"]
        report.table(f"filters {kind}", head, rows)
    report.figures["conclusions"] = conclusions(cells, names)
    report.table("in all", ["", "figure"], [[key, str(value)] for key, value in report.figures["conclusions"].items()])
    if skipped:
        report.table("not compared", ["", "why"], skipped)


def conclusions(cells: Cells, names: list[str]) -> dict[str, Any]:
    """The figures that the project promises."""
    ours, strict = Shelfmate.name, StrictOrder.name
    grid = [(f"{kind}, {float(share):.2%}", by) for kind in KINDS for share, by in cells[kind].items()]
    unfiltered = cells[""]["1"]
    worst, by = max(grid, key=lambda cell: cell[1][strict]["p50_ms"])
    widest, slow = max(grid, key=lambda cell: cell[1][ours]["p99_ms"])
    slow_recall = by[strict]["recall"]
    shakiest, wrong = min(grid, key=lambda cell: cell[1][strict]["recall"])
    slowest = by[strict]["p50_ms"] / by[ours]["p50_ms"]
    answer = {
        "our worst p99 / unfiltered p99": f"{slow[ours]['p99_ms'] / unfiltered[ours]['p99_ms']:.2f} at {widest}",
        "our least recall of a cell": f"{min(by[ours]['recall'] for _, by in grid):.4f}",
        "our short answers": sum(by[ours]["short"] for _, by in grid),
        "strict_order's least recall": f"{wrong[strict]['recall']:.3f} at {shakiest}",
        "our recall there": f"{wrong[ours]['recall']:.3f}",
        "our rows outside": sum(by[ours]["outside"] for _, by in grid),
        "strict_order in its slowest cell": f"{worst}: {by[strict]['p50_ms']:.3g} ms, recall {slow_recall:.3f}",
        "ours there": f"{by[ours]['p50_ms']:.3g} ms, recall {by[ours]['recall']:.3f}, {slowest:.1f} times as fast",
    }
    for name in names:
        if name not in (ours, ShelfmateAttributes.name):
            astray = sum(by[name]["recall"] < TARGET for _, by in grid)
            behind = [by for _, by in grid if by[name]["recall"] >= TARGET and by[name]["p50_ms"] < by[ours]["p50_ms"]]
            faster = ", ".join(f"{by[ours]['p50_ms'] / by[name]['p50_ms']:.1f}" for by in behind) or "-"
            answer[f"{name}, of {len(grid)} cells"] = (
                f"short of recall {TARGET} in {astray}; right and faster in {len(behind)}, by {faster}"
            )
    return answer


def chart(options: argparse.Namespace, cells: Cells, names: list[str]) -> str:
    """p50 over selectivity for the hardest kind, far from the query."""
    far = cells[KINDS[2]]
    series: dict[str, list[float | None]] = {name: [far[share][name]["p50_ms"] for share in far] for name in names}
    title = f"Top 10 of {options.rows:,} products under filters far from the query: p50"
    return lines(title, "ms", [f"{float(share) * 100:g} %" for share in far], series)


if __name__ == "__main__":
    main()
