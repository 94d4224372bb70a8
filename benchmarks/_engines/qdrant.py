"""Qdrant's two embedded forms: the engine itself as qdrant-edge-py, and the local mode of its client."""

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks._corpus import Window
from benchmarks._engines.engine import EF_CONSTRUCTION, LINKS, Engine


class QdrantEdge(Engine):
    """One shard with payload indexes on the filter fields."""

    name = "qdrant edge"
    module = "qdrant_edge"

    def build(self) -> None:
        """Insert, then let the optimizer merge and index."""
        self.qdrant = q = import_module("qdrant_edge")
        self.directory.mkdir(parents=True)
        graph = q.HnswIndexConfig(m=LINKS, ef_construct=EF_CONSTRUCTION, full_scan_threshold=10_000)
        config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=self.corpus.fused.shape[1], distance=q.Distance.Dot),
            hnsw_config=graph,
            # One segment, so that its graph is one as everybody's.
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
        )
        self.shard = q.EdgeShard.create(str(self.directory), config)
        for field in ("scattered", "clustered"):
            self.shard.update(q.UpdateOperation.create_field_index(field, q.PayloadSchemaType.Integer))
        columns = (self.corpus.titles, self.corpus.ranks["scattered"].tolist(), self.corpus.ranks["clustered"].tolist())
        points = [
            q.Point(row, vector.tolist(), {"title": title, "scattered": scattered, "clustered": clustered})
            for row, (vector, title, scattered, clustered) in enumerate(zip(self.corpus.fused, *columns, strict=True))
        ]
        for start in range(0, len(points), 500):
            self.shard.update(q.UpdateOperation.upsert_points(points[start : start + 500]))
        while self.shard.optimize():
            pass
        self.shard.flush()

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """One search."""
        q = self.qdrant
        condition = None
        if window is not None:
            inside = q.RangeFloat(gte=float(window.low), lt=float(window.high))
            condition = q.Filter(must=[q.FieldCondition(window.field, range=inside)])
        return self.shard.search(
            q.SearchRequest(
                query=q.Query.Nearest(self.corpus.fused[row].tolist()),
                limit=k + 1,
                filter=condition,
                params=q.SearchParams(hnsw_ef=self.ef),
                with_payload=["title"],
            )
        )

    def rows(self, answer: Any) -> Sequence[int]:
        """From the ids."""
        return [point.id for point in answer]

    def close(self) -> None:
        """Unlock the directory."""
        self.shard.close()


class QdrantLocal(Engine):
    """``QdrantClient(path=...)``: numpy over all vectors and Python over all payloads."""

    name = "qdrant client, local"
    module = "qdrant_client"
    exact = True
    tunable = False

    def build(self) -> None:
        """One collection; it has no index of any kind."""
        client, models = import_module("qdrant_client"), import_module("qdrant_client.models")
        self.models = models
        with warnings.catch_warnings():
            # It advises against its own local mode from 20,000 points on.
            warnings.simplefilter("ignore")
            self.client = client.QdrantClient(path=str(self.directory))
            size = self.corpus.fused.shape[1]
            self.client.create_collection(
                "products", vectors_config=models.VectorParams(size=size, distance=models.Distance.DOT)
            )
            ranks = self.corpus.ranks
            self.client.upload_collection(
                "products",
                vectors=self.corpus.fused,
                ids=range(len(self.corpus.fused)),
                payload=[
                    {"title": title, "scattered": int(scattered), "clustered": int(clustered)}
                    for title, scattered, clustered in zip(
                        self.corpus.titles, ranks["scattered"], ranks["clustered"], strict=True
                    )
                ],
            )

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """One search."""
        m = self.models
        condition = None
        if window is not None:
            inside = m.Range(gte=window.low, lt=window.high)
            condition = m.Filter(must=[m.FieldCondition(key=window.field, range=inside)])
        return self.client.query_points(
            "products", query=self.corpus.fused[row], query_filter=condition, limit=k + 1, with_payload=["title"]
        )

    def rows(self, answer: Any) -> Sequence[int]:
        """From the ids."""
        return [point.id for point in answer.points]

    def close(self) -> None:
        """Unlock the directory."""
        self.client.close()
