"""Libraries in this process: faiss, hnswlib, and the exact scans of a prototype. They answer with row numbers alone."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.metrics.pairwise import cosine_similarity

from benchmarks._corpus import Window
from benchmarks._engines.engine import EF_CONSTRUCTION, LINKS, Engine


class Numpy(Engine):
    """Every product scored by one matrix product."""

    name = "numpy, exact"
    exact = True
    tunable = False

    def build(self) -> None:
        """Nothing to build: the matrix is there."""
        self.matrix = self.corpus.fused

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """Score all, strike out what the filter leaves out, take the best."""
        scores = self.matrix @ self.matrix[row]
        return _best(scores, k + 1, self.corpus, window)

    def rows(self, answer: Any) -> Sequence[int]:
        """As they came."""
        return list(answer)


class ScikitLearn(Numpy):
    """``cosine_similarity`` over the whole catalogue, as the notebooks of prototypes do."""

    name = "scikit-learn cosine"
    filters = False

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """Normalises everything for each question."""
        scores = cosine_similarity(self.matrix[row : row + 1], self.matrix)[0]
        return _best(scores, k + 1, self.corpus, window)


def _best(scores: Any, k: int, corpus: Any, window: Window | None) -> Any:
    if window is not None:
        ranks = corpus.ranks[window.field]
        allowed = np.flatnonzero((ranks >= window.low) & (ranks < window.high))
        return allowed[np.argsort(-scores[allowed], kind="stable")[:k]]
    top = np.argpartition(scores, -k)[-k:]
    return top[np.argsort(-scores[top], kind="stable")]


class Faiss(Engine):
    """``IndexHNSWFlat`` over single precision; a filter is a bitmap of the rows that match, made for each question."""

    name = "faiss HNSW"
    module = "faiss"

    def build(self) -> None:
        """The graph, in memory."""
        self.faiss = import_module("faiss")
        # Its links are for the upper layers; the lowest has twice as many, as pgvector's and hnswlib's.
        self.index = self.faiss.IndexHNSWFlat(self.corpus.fused.shape[1], LINKS, self.faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = EF_CONSTRUCTION
        self.index.add(self.corpus.fused)

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """Search the graph, passing over what the bitmap leaves out."""
        options: dict[str, Any] = {"efSearch": self.ef}
        if window is not None:
            ranks = self.corpus.ranks[window.field]
            bits = np.packbits((ranks >= window.low) & (ranks < window.high), bitorder="little")
            options["sel"] = self.faiss.IDSelectorBitmap(bits)
        parameters = self.faiss.SearchParametersHNSW(**options)
        return self.index.search(self.corpus.fused[row : row + 1], k + 1, params=parameters)

    def rows(self, answer: Any) -> Sequence[int]:
        """Without the -1 that stands for "no more"."""
        return [row for row in answer[1][0] if row >= 0]

    def size(self) -> int | None:
        """Of the index as faiss would write it."""
        return int(self.faiss.serialize_index(self.index).nbytes)


class Hnswlib(Engine):
    """``hnswlib.Index`` over single precision; a filter is a Python function called for each candidate."""

    name = "hnswlib HNSW"
    module = "hnswlib"

    def build(self) -> None:
        """The graph, in memory."""
        self.index = import_module("hnswlib").Index(space="ip", dim=self.corpus.fused.shape[1])
        self.index.init_index(len(self.corpus.fused), M=LINKS, ef_construction=EF_CONSTRUCTION)
        self.index.add_items(self.corpus.fused)
        self.index.set_num_threads(1)

    def tune(self, ef: int) -> None:
        """Candidates of a search."""
        super().tune(ef)
        self.index.set_ef(ef)

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """Search the graph; where it finds fewer than asked for it raises: an answer of none."""
        query = self.corpus.fused[row]
        if window is None:
            return self.index.knn_query(query, k=k + 1)[0][0]
        ranks, low, high = self.corpus.ranks[window.field], window.low, window.high
        # It raises where it is asked for more than match, so a careful caller counts first.
        k = min(k + 1, high - low)
        try:
            return self.index.knn_query(query, k=k, filter=lambda label: bool(low <= ranks[label] < high))[0][0]
        except RuntimeError as error:
            if "Cannot return the results" not in str(error):
                raise
            return []

    def rows(self, answer: Any) -> Sequence[int]:
        """As they came."""
        return list(answer)

    def size(self) -> int | None:
        """Of the index as hnswlib would write it."""
        path = self.directory.with_suffix(".hnswlib")
        self.index.save_index(str(path))
        size = path.stat().st_size
        path.unlink()
        return size
