"""Exact answers against numpy, recall of the index, quality by article type, and filters that are always right."""

import statistics
import time

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from backend.database.connection import Database, Row
from benchmarks._setup import arguments, catalogue, show

K = 10


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--quality-queries", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    with catalogue(options) as (database, _settings):
        vectors = Vectors(database)
        chosen = random.choice(len(vectors.ids), options.queries, replace=False)
        with database.read() as connection:
            show("500 random products, k = 10", ["", "figure"], exact_and_ann(connection, vectors, chosen))
            show("category filters", ["", "figure"], filters(connection, vectors, chosen))
            chosen = random.choice(len(vectors.ids), options.quality_queries, replace=False)
            show(
                "same article type among the 5 nearest",
                ["score", "P@5", "95 % interval"],
                quality(connection, vectors, chosen, random),
            )


class Vectors:
    """The stored vectors of the active space, as float32, in order of product id."""

    def __init__(self, database: Database) -> None:
        with database.read() as connection:
            rows = connection.execute(
                "SELECT a.product_id, a.sku, a.fused, p.category FROM active_embeddings a"
                " JOIN products p ON p.id = a.product_id ORDER BY a.product_id"
            ).fetchall()
        self.ids = np.array([row[0] for row in rows])
        self.skus = [row[1] for row in rows]
        self.fused: NDArray[np.float32] = np.stack([row[2].to_numpy() for row in rows]).astype(np.float32)
        self.types = np.array([row[3] for row in rows])

    def nearest(self, row: int, k: int) -> tuple[list[str], NDArray[np.float32]]:
        """The k nearest by inner product, itself excluded, ties by product id; and all scores."""
        scores = self.fused @ self.fused[row]
        order = np.lexsort((self.ids, -scores))
        return [self.skus[i] for i in order if i != row][:k], scores


def exact_and_ann(connection: Connection[Row], vectors: Vectors, chosen: NDArray[np.int64]) -> list[list[object]]:
    position = {sku: row for row, sku in enumerate(vectors.skus)}
    same_ids = tie_aware = 0
    recalls: list[float] = []
    exact_seconds: list[float] = []
    ann_seconds: list[float] = []
    modes = set()
    for row in chosen:
        expected, scores = vectors.nearest(int(row), K)
        began = time.perf_counter()
        exact = [
            r[0] for r in connection.execute("SELECT sku FROM similar_products_exact(%s, %s)", [vectors.skus[row], K])
        ]
        exact_seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        ann = connection.execute("SELECT sku, mode FROM similar_products(%s, %s)", [vectors.skus[row], K]).fetchall()
        ann_seconds.append(time.perf_counter() - began)
        modes |= {mode for _, mode in ann}
        same_ids += exact == expected
        # Where two scores differ by less than float32 can tell, either order is right.
        tie_aware += bool(
            np.allclose([scores[position[s]] for s in exact], [scores[position[s]] for s in expected], atol=1e-6)
        )
        floor = scores[position[expected[-1]]] - 1e-6
        recalls.append(sum(scores[position[sku]] >= floor for sku, _ in ann) / K)
    return [
        ["exact: same ids in the same order as numpy", f"{same_ids}/{len(chosen)}"],
        ["exact: the same but for ties within 1e-6", f"{tie_aware}/{len(chosen)}"],
        ["HNSW: mean recall@10", statistics.mean(recalls)],
        ["HNSW: 5th percentile of recall@10", float(np.percentile(recalls, 5))],
        ["HNSW: how it was answered", ", ".join(sorted(modes))],
        ["exact: p50 ms", 1e3 * statistics.median(exact_seconds)],
        ["HNSW: p50 ms", 1e3 * statistics.median(ann_seconds)],
    ]


def filters(connection: Connection[Row], vectors: Vectors, chosen: NDArray[np.int64]) -> list[list[object]]:
    outside = short = asked = 0
    sizes: dict[str, int] = dict(
        connection.execute(
            "SELECT c.path, count(*) FROM categories c"
            " JOIN products p ON p.category = c.path OR starts_with(p.category, c.path || '/')"
            " JOIN active_embeddings a ON a.product_id = p.id GROUP BY c.path"
        ).fetchall()
    )
    paths = sorted(sizes)
    random = np.random.default_rng(1)
    for row in chosen:
        path = paths[random.integers(len(paths))]
        inside = vectors.types[row] == path or vectors.types[row].startswith(path + "/")
        answer = connection.execute(
            "SELECT category FROM similar_products(%s, %s, category => %s)", [vectors.skus[row], K, path]
        ).fetchall()
        outside += sum(not (category == path or category.startswith(path + "/")) for (category,) in answer)
        short += len(answer) < min(K, sizes[path] - inside)
        asked += 1
    return [["queries", asked], ["answers outside the subtree", outside], ["answers shorter than what exists", short]]


def quality(
    connection: Connection[Row], vectors: Vectors, chosen: NDArray[np.int64], random: np.random.Generator
) -> list[list[object]]:
    rows: list[list[object]] = []
    types = dict(zip(vectors.skus, vectors.types, strict=True))
    for name, weights in (("fused", None), ("text alone", (1.0, 0.0)), ("image alone", (0.0, 1.0))):
        precisions = []
        for row in chosen:
            sku = vectors.skus[row]
            answer = connection.execute(
                "SELECT sku FROM similar_products_exact(%s, 5, w_text => %s, w_image => %s)",
                [sku, *(weights or (None, None))],
            ).fetchall()
            precisions.append(sum(types[found] == types[sku] for (found,) in answer) / 5)
        sample = np.array(precisions)
        means = sample[random.integers(len(sample), size=(2_000, len(sample)))].mean(axis=1)
        rows.append(
            [name, float(sample.mean()), f"{np.percentile(means, 2.5):.3f} to {np.percentile(means, 97.5):.3f}"]
        )
    return rows


if __name__ == "__main__":
    main()
