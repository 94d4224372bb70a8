"""lancedb's embedded engine."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks._corpus import Window
from benchmarks._engines.engine import EF_CONSTRUCTION, LINKS, Engine


class Lance(Engine):
    """A table with an HNSW index over unquantised vectors and a B-tree on each filter field; filters come first."""

    name = "lancedb"
    module = "lancedb"

    def build(self) -> None:
        """One table, one partition, so that its graph is one as everybody's."""
        lancedb, arrow = import_module("lancedb"), import_module("pyarrow")
        vectors = self.corpus.fused
        flat = arrow.FixedSizeListArray.from_arrays(arrow.array(vectors.ravel()), vectors.shape[1])
        data = arrow.table(
            {
                "id": arrow.array(range(len(vectors))),
                "title": self.corpus.titles,
                "vector": flat,
                "scattered": self.corpus.ranks["scattered"],
                "clustered": self.corpus.ranks["clustered"],
            }
        )
        self.table = lancedb.connect(str(self.directory)).create_table("products", data)
        index = import_module("lancedb.index").HnswFlat(
            distance_type="dot", num_partitions=1, m=LINKS, ef_construction=EF_CONSTRUCTION
        )
        self.table.create_index("vector", config=index)
        for field in ("scattered", "clustered"):
            self.table.create_scalar_index(field)

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """One search."""
        query = self.table.search(self.corpus.fused[row], vector_column_name="vector").distance_type("dot")
        query = query.nprobes(1).ef(max(self.ef or 0, k + 1)).limit(k + 1).select(["id", "title", "_distance"])
        if window is not None:
            condition = f"{window.field} >= {window.low} AND {window.field} < {window.high}"
            query = query.where(condition, prefilter=True)
        return query.to_arrow()

    def rows(self, answer: Any) -> Sequence[int]:
        """From the ids."""
        return list(answer["id"].to_pylist())
