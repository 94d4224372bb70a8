"""Equal recall: every engine searches with the fewest candidates that reach it."""

from collections.abc import Sequence

from benchmarks._corpus import Corpus, Window
from benchmarks._engines.engine import Engine

TARGET = 0.99
CANDIDATES = (10, 16, 20, 24, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800, 1_000)
COARSE = (16, 32, 64, 128, 256, 512, 1_000)

# A product, and the filter if there is one.
Case = tuple[int, Window | None]


def tune(
    engine: Engine, corpus: Corpus, cases: Sequence[Case], k: int, candidates: Sequence[int] = CANDIDATES
) -> float | None:
    """Set the least of ``candidates`` with a mean recall of .99 or more; returns it, None where nothing is set.

    The cases are others than those that are timed. The greatest is kept where none is enough.
    """
    if not engine.tunable:
        return None
    truths = [corpus.truth(row, k, window) for row, window in cases]
    recall = 0.0
    for ef in [ef for ef in candidates if ef >= engine.least_ef]:
        engine.tune(ef)
        answers = [engine.found(engine.ask(row, k, window), row, k) for row, window in cases]
        recall = sum(truth.recall(rows) for truth, rows in zip(truths, answers, strict=True)) / len(cases)
        if recall >= TARGET:
            break
    return recall
