"""What the benchmarks judge by: recall, windows, copies with noise, charts, and who is left out."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from benchmarks import _line_up
from benchmarks._chart import bars, lines
from benchmarks._corpus import Corpus
from benchmarks._engines.libraries import Faiss, Numpy
from benchmarks._measure import Truth, alternate
from benchmarks._sample import Sample
from tests.benchmark_sample import small_sample


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(small_sample(400))


def test_recall_counts_ties_and_nothing_that_the_filter_leaves_out() -> None:
    scores = np.array([0.9, 0.8, 0.8, 0.8, 0.1], dtype=np.float32)
    truth = Truth(scores, np.array([True, True, True, False, True]), 2)
    assert truth.recall([0, 1]) == 1.0
    assert truth.recall([0, 2]) == 1.0
    assert truth.recall([0, 3]) == 0.5
    assert truth.recall([0, 4]) == 0.5
    assert truth.recall([0, 0]) == 0.5
    assert truth.outside([0, 3]) == 1


def test_an_answer_is_short_only_while_more_exist() -> None:
    scores = np.arange(5, dtype=np.float32)
    truth = Truth(scores, np.array([True, True, False, False, False]), 3)
    assert truth.exist == 2
    assert truth.is_short([1])
    assert not truth.is_short([1, 0])
    assert Truth(scores, np.zeros(5, dtype=np.bool_), 3).recall([]) == 1.0


def test_windows_hold_as_many_as_their_share_says(corpus: Corpus) -> None:
    random = np.random.default_rng(0)
    for window in (corpus.scattered(0.05, random), corpus.clustered(0.05, 7, near=True)):
        ranks = corpus.ranks[window.field]
        assert ((ranks >= window.low) & (ranks < window.high)).sum() == 20


def test_windows_near_the_query_are_liker_than_those_independent_of_it_and_far_ones_less(corpus: Corpus) -> None:
    random = np.random.default_rng(0)

    def mean(window: object) -> float:
        scores = []
        for row in range(0, 400, 20):
            chosen = (
                corpus.scattered(0.05, random) if window is None else corpus.clustered(0.05, row, near=bool(window))
            )
            truth = corpus.truth(row, 10, chosen)
            scores.append(truth.scores[truth.allowed].mean())
        return float(np.mean(scores))

    assert mean(True) > mean(None) + 0.05
    assert mean(False) < mean(None) - 0.05


def test_copies_are_unit_vectors_near_their_originals_and_lack_what_these_lack() -> None:
    sample = small_sample(200)
    grown = sample.resized(500)
    assert len(grown) == 500
    assert len({product["sku"] for product in grown.products}) == 500
    np.testing.assert_array_equal(grown.text[:200], sample.text)
    copies, originals = grown.text[200:].astype(np.float32), sample.text[np.arange(200, 500) % 200].astype(np.float32)
    np.testing.assert_allclose(np.linalg.norm(copies, axis=1), 1, atol=2e-3)
    cosines = (copies * originals).sum(axis=1)
    others = (copies * np.roll(originals, 1, axis=0)).sum(axis=1)
    assert 0.5 < cosines.mean() < 0.9999
    assert cosines.mean() > others.mean() + 0.1
    np.testing.assert_array_equal(grown.has_image[200:400], sample.has_image)


def test_a_sample_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    sample = small_sample(20)
    sample.save(tmp_path / "vectors.npz")
    loaded = Sample.load(tmp_path / "vectors.npz")
    assert loaded.products == sample.products
    np.testing.assert_array_equal(loaded.fused, sample.fused)


def test_every_asker_meets_every_query_in_every_round() -> None:
    asked: list[tuple[str, int]] = []

    def asker(name: str) -> object:
        return lambda query: asked.append((name, query))

    judged: list[tuple[str, int]] = []
    timings = alternate(
        {name: asker(name) for name in "ab"}, [5, 6], 3, lambda name, number, _answer: judged.append((name, number))
    )
    warm_up = 4
    assert len(asked) == warm_up + 2 * 2 * 3
    assert {name for name, _ in asked[warm_up : warm_up + 2]} == {"a", "b"}
    assert sorted(judged) == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert all(len(timing.rounds) == 3 and len(timing.rounds[0]) == 2 for timing in timings.values())


def test_a_peer_that_is_not_installed_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Faiss, "module", "no_such_module")
    chosen, skipped = _line_up.choose(["faiss", "numpy"])
    assert chosen == [Numpy]
    reasons = dict(skipped)
    assert "no_such_module is not installed" in reasons[Faiss.name]
    assert len(chosen) + len(skipped) == len(_line_up.PEERS)


def test_charts_are_well_formed_and_say_what_they_show() -> None:
    for chart in (
        bars("A & B", "ms", [("ours", 1.0, 0.9, 1.2), ("<theirs>", 20.0, 19.0, 22.0)]),
        lines("A & B", "ms", ["1", "2"], {"ours": [1.0, 2.0], "<theirs>": [None, 30.0]}),
    ):
        words = "".join(ET.fromstring(chart).itertext())
        assert "A & B" in words
        assert "ours" in words
        assert "<theirs>" in words
