"""milvus-lite, by its own calls in this process: no server and no RPC between, which its client has."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks._corpus import Window
from benchmarks._engines.engine import EF_CONSTRUCTION, LINKS, Engine


class Milvus(Engine):
    """A collection with an HNSW index and scalar indexes on the filter fields."""

    name = "milvus-lite"
    module = "milvus_lite"

    def build(self) -> None:
        """Insert, index, load."""
        milvus = import_module("milvus_lite")
        schema, kind = milvus.FieldSchema, milvus.DataType
        fields = [
            schema("id", kind.INT64, is_primary=True),
            schema("vector", kind.FLOAT_VECTOR, dim=self.corpus.fused.shape[1]),
            schema("title", kind.VARCHAR, max_length=1_000),
            schema("scattered", kind.INT64),
            schema("clustered", kind.INT64),
        ]
        self.database = milvus.MilvusLite(str(self.directory))
        self.collection = self.database.create_collection("products", milvus.CollectionSchema(fields))
        columns = (self.corpus.titles, self.corpus.ranks["scattered"].tolist(), self.corpus.ranks["clustered"].tolist())
        records = [
            {"id": row, "vector": vector.tolist(), "title": title, "scattered": scattered, "clustered": clustered}
            for row, (vector, title, scattered, clustered) in enumerate(zip(self.corpus.fused, *columns, strict=True))
        ]
        for start in range(0, len(records), 1_000):
            self.collection.insert(records[start : start + 1_000])
        self.collection.flush()
        graph = {"M": LINKS, "efConstruction": EF_CONSTRUCTION}
        self.collection.create_index("vector", {"index_type": "HNSW", "metric_type": "IP", "params": graph})
        self.collection.load()

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """One search."""
        condition = None
        if window is not None:
            condition = f"{window.field} >= {window.low} and {window.field} < {window.high}"
        return self.collection.search(
            [self.corpus.fused[row].tolist()],
            top_k=k + 1,
            expr=condition,
            output_fields=["title"],
            search_params={"ef": self.ef},
        )

    def rows(self, answer: Any) -> Sequence[int]:
        """From the ids."""
        return [hit["id"] for hit in answer[0]]

    def close(self) -> None:
        """Flush and unlock."""
        self.database.close()
