"""The worker's rate beside a bare loop over the same encoders and batches, alternating in one run."""

import statistics
import time

from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.space import active_space
from benchmarks._setup import arguments, catalogue, show, spread
from workers.progress import Progress
from workers.worker import Worker


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--products", type=int, default=2_000, help="products of one round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with catalogue(options, embedded=False) as (database, settings):
        with database.write() as connection:
            connection.execute(
                "DELETE FROM products WHERE id NOT IN (SELECT id FROM products ORDER BY id LIMIT %s)",
                [options.products],
            )
        embedder = Embedder(database)
        embedder.warm_up(active_space(database))
        bare: list[float] = []
        worker: list[float] = []
        for _ in range(options.rounds):
            bare.append(options.products / bare_loop(database, settings, embedder))
            worker.append(options.products / worker_run(database, settings, embedder))
    ratios = [ours / theirs for ours, theirs in zip(worker, bare, strict=True)]
    show(
        f"{options.products} products a round, batches of {settings.batch_size}",
        ["", "products/s: median (least to greatest)"],
        [["bare loop", spread(bare)], ["worker", spread(worker)], ["worker / bare loop", spread(ratios)]],
    )
    print(f"ratio {statistics.median(ratios):.3f}")


def bare_loop(database: Database, settings: Settings, embedder: Embedder) -> float:
    """Seconds to encode every product from memory: no queue, no database, no fusion, nothing stored."""
    space = active_space(database)
    with database.read() as connection:
        rows = connection.execute(
            "SELECT p.title, p.description, p.brand, p.attributes, p.price, i.content"
            " FROM products p LEFT JOIN product_images i ON i.product_id = p.id ORDER BY p.id"
        ).fetchall()
    began = time.perf_counter()
    for start in range(0, len(rows), settings.batch_size):
        batch = rows[start : start + settings.batch_size]
        embedder.product_texts(space, [space.texts_of(*fields) for *fields, _ in batch])
        prepared = [embedder.prepare_image(space, content) for *_, content in batch if content is not None]
        embedder.images(space, prepared)
    return time.perf_counter() - began


def worker_run(database: Database, settings: Settings, embedder: Embedder) -> float:
    """Seconds from an empty space to everything stored, as ``shelfmate worker --drain`` works, without its indexes."""
    with database.write() as connection:
        connection.execute(
            "DROP INDEX IF EXISTS product_embeddings_1_fused_hnsw, product_embeddings_1_text_hnsw, "
            "product_embeddings_1_image_hnsw"
        )
        connection.execute("TRUNCATE product_embeddings")
        connection.execute("DELETE FROM embedding_jobs")
        connection.execute("SELECT queue_embeddings(ARRAY(SELECT id FROM products))")
    worker = Worker(database, settings, Progress(), drain=True, embedder=embedder)
    worker.build_indexes = False
    began = time.perf_counter()
    worker.run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
