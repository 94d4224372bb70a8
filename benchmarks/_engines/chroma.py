"""chromadb's embedded engine."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks._corpus import Window
from benchmarks._engines.engine import EF_CONSTRUCTION, LINKS, Engine


class Chroma(Engine):
    """A persistent collection; answers with ids and titles."""

    name = "chromadb"
    module = "chromadb"

    def build(self) -> None:
        """One collection with both filter fields as metadata."""
        chromadb = import_module("chromadb")
        settings = import_module("chromadb.config").Settings(anonymized_telemetry=False)
        self.client = chromadb.PersistentClient(path=str(self.directory), settings=settings)
        graph = {"space": "ip", "max_neighbors": LINKS, "ef_construction": EF_CONSTRUCTION}
        self.collection = self.client.create_collection(
            "products", configuration={"hnsw": graph}, embedding_function=None
        )
        scattered, clustered = self.corpus.ranks["scattered"].tolist(), self.corpus.ranks["clustered"].tolist()
        for start in range(0, len(self.corpus.fused), 1_000):
            rows = range(start, min(start + 1_000, len(self.corpus.fused)))
            self.collection.add(
                ids=[str(row) for row in rows],
                embeddings=self.corpus.fused[start : rows.stop],
                metadatas=[
                    {"title": self.corpus.titles[i], "scattered": scattered[i], "clustered": clustered[i]} for i in rows
                ],
            )

    def tune(self, ef: int) -> None:
        """Changes the collection's configuration."""
        super().tune(ef)
        self.collection.modify(configuration={"hnsw": {"ef_search": ef}})

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """One query."""
        where = None
        if window is not None:
            where = {"$and": [{window.field: {"$gte": window.low}}, {window.field: {"$lt": window.high}}]}
        return self.collection.query(
            query_embeddings=self.corpus.fused[row : row + 1],
            n_results=k + 1,
            where=where,
            include=["metadatas", "distances"],
        )

    def rows(self, answer: Any) -> Sequence[int]:
        """From the ids."""
        return [int(row) for row in answer["ids"][0]]

    def close(self) -> None:
        """Its caches go with the client."""
        self.client.clear_system_cache()
