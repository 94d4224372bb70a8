"""TF-IDF of titles and descriptions, fitted on the catalogue: what words alone can do, without any model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from scipy import sparse  # type: ignore[import-untyped]  # The package ships no types.

from backend.database.connection import Row
from backend.evaluation.contestants.contestant import Answer, excluded
from backend.evaluation.contestants.together import MOST_HISTORY
from backend.evaluation.held_out import Asked, AskedPerson, AskedProduct, HeldOutSet
from backend.evaluation.signals import SQL

# Words share a column by their hash: 2^18 of them need no vocabulary in memory, and few of 100,000 words meet.
COLUMNS = 2**18
WORD = r"(?u)\b\w\w+\b"
# Products whose texts, and questions whose scores, are in memory at once: 128 x 10,000 float32 are 5 MB.
PRODUCTS_AT_ONCE = 10_000
QUESTIONS_AT_ONCE = 128


@dataclass(frozen=True)
class TfIdf:
    """Products by the cosine of their TF-IDF rows with the question's; those without a common word are no answer."""

    by_set: dict[str, list[Answer]] = field(repr=False)
    name: str = "TF-IDF"
    is_baseline: bool = True

    def answers(self, one: HeldOutSet, k: int) -> Sequence[Answer]:
        """See ``Contestant.answers``; the k is that of the fit."""
        return [None if found is None else found[:k] for found in self.by_set[one.name]]


def fit_tfidf(
    connection: Connection[Row], sets: Sequence[HeldOutSet], products: int, k: int, report: Callable[[str], None]
) -> TfIdf:
    """Read the texts of the pool's ``products`` twice, a part at a time: for how rare words are, then for the answers.

    A person is the mean of the unit rows of the latest products of their history. idf is scikit-learn's smoothed
    log((1 + n) / (1 + df)) + 1.
    """
    counter = _Counter()
    asked = np.unique([product for one in sets for question in one.questions for product in _products(question)])
    kept: dict[int, tuple[str, Any]] = {}
    frequencies = np.zeros(COLUMNS)
    for done, (ids, descriptions, counts) in _parts(connection, counter, products):
        report(f"TF-IDF: counting the words of {done:,} of {products:,} products")
        frequencies += counts.getnnz(axis=0)
        for place in np.flatnonzero(np.isin(ids, asked)).tolist():
            kept[int(ids[place])] = descriptions[place], counts[place]
    idf = np.log((1 + products) / (1 + frequencies)) + 1
    questions = [question for one in sets for question in one.questions]
    rows = _unit(sparse.vstack([_row(question, kept, counter, idf) for question in questions], format="csr"))
    best = [_Best(k, excluded(question)) for question in questions]
    for done, (ids, _, counts) in _parts(connection, counter, products):
        report(f"TF-IDF: comparing with {done:,} of {products:,} products")
        columns = _unit(_weighted(counts, idf)).T.tocsc()
        for start in range(0, len(questions), QUESTIONS_AT_ONCE):
            scores = (rows[start : start + QUESTIONS_AT_ONCE] @ columns).toarray()
            for offset, row in enumerate(scores):
                best[start + offset].take(ids, row)
    found = iter(one.answer() for one in best)
    return TfIdf({one.name: [next(found) for _ in one.questions] for one in sets})


class _Counter:
    """Counts words: lower case, two letters or digits and more, English stop words left out."""

    def __init__(self) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        self._vectorizer = HashingVectorizer(
            n_features=COLUMNS,
            token_pattern=WORD,
            stop_words="english",
            alternate_sign=False,
            norm=None,
            dtype=np.float32,
        )

    def counts(self, texts: Sequence[str]) -> Any:
        """(n, ``COLUMNS``) float32 sparse rows."""
        return self._vectorizer.transform(texts)


@dataclass
class _Best:
    """The k best of what came so far, ties by id."""

    k: int
    without: frozenset[int]
    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))

    def take(self, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """Products that come by rising id, with their scores."""
        depth = self.k + len(self.without)
        least = np.partition(scores, -depth)[-depth] if depth < len(scores) else 0.0
        near = np.flatnonzero((scores >= least) & (scores > 0))
        near = near[[int(ids[place]) not in self.without for place in near]] if len(near) else near
        all_ids = np.concatenate([self.ids, ids[near]])
        all_scores = np.concatenate([self.scores, scores[near]])
        order = np.lexsort((all_ids, -all_scores))[: self.k]
        self.ids, self.scores = all_ids[order], all_scores[order]

    def answer(self) -> list[int]:
        """Best first."""
        found: list[int] = self.ids.tolist()
        return found


def _parts(
    connection: Connection[Row], counter: _Counter, products: int
) -> Iterator[tuple[int, tuple[NDArray[np.int64], list[str], Any]]]:
    """Ids, descriptions and counted words of the pool, by rising id; before each how many there are up to its end."""
    after, done = -1, 0
    while rows := connection.execute(SQL["texts"], {"after": after, "chunk": PRODUCTS_AT_ONCE}).fetchall():
        after, done = rows[-1][0], min(products, done + len(rows))
        counts = counter.counts([f"{title}\n{description}" for _, title, description in rows])
        yield done, (np.array([row[0] for row in rows]), [row[2] for row in rows], counts)


def _products(question: Asked) -> Sequence[int]:
    if isinstance(question, AskedPerson):
        return question.history[:MOST_HISTORY]
    return (question.product_id,) if isinstance(question, AskedProduct) else ()


def _row(question: Asked, kept: dict[int, tuple[str, Any]], counter: _Counter, idf: NDArray[np.float64]) -> Any:
    """(1, ``COLUMNS``) of a question; a product that went meanwhile says nothing."""
    found = [kept[product] for product in _products(question) if product in kept]
    if not found:
        return sparse.csr_array((1, COLUMNS), dtype=np.float32)
    if isinstance(question, AskedProduct) and question.hard_title is not None:
        return _weighted(counter.counts([f"{question.hard_title}\n{found[0][0]}"]), idf)
    if len(found) == 1:
        return _weighted(found[0][1], idf)
    units = _unit(_weighted(sparse.vstack([counts for _, counts in found], format="csr"), idf))
    return sparse.csr_array(np.ones((1, len(found)), dtype=np.float32)) @ units


def _weighted(counts: Any, idf: NDArray[np.float64]) -> Any:
    weighted = sparse.csr_array(counts, dtype=np.float32, copy=True)
    weighted.data *= idf[weighted.indices].astype(np.float32)
    return weighted


def _unit(rows: Any) -> Any:
    from sklearn.preprocessing import normalize

    return normalize(rows)
