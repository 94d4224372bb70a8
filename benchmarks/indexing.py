"""When an HNSW index pays: exact scan and index by number of products, and filling before or after building."""

import statistics
import time
from collections.abc import Callable

from psycopg import Connection

from backend.database.connection import Row
from benchmarks._setup import arguments, catalogue, show

SIZES = (500, 1_000, 2_000, 5_000, 12_000, 25_000)
QUERIES = 100
INDEXES = (
    "CREATE INDEX ON public.sized USING hnsw ((fused::halfvec(1664)) halfvec_ip_ops)",
    "CREATE INDEX ON public.sized USING hnsw ((text::halfvec(384)) halfvec_cosine_ops)",
    "CREATE INDEX ON public.sized USING hnsw ((image::halfvec(1280)) halfvec_cosine_ops)",
)
EXACT = "SELECT product_id FROM public.sized ORDER BY fused <#> %s, product_id LIMIT 10"
ANN = "SELECT product_id FROM public.sized ORDER BY fused::halfvec(1664) <#> %s LIMIT 10"


def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    with catalogue(options) as (database, _settings), database.alone() as connection:
        connection.execute("SET maintenance_work_mem = '1GB'; SET hnsw.ef_search = 100")
        show(
            "p50 of the 10 nearest, ms",
            ["products", "exact scan", "HNSW, ef 100"],
            [by_size(connection, n) for n in SIZES],
        )
        show("filling 12,000 rows with three indexes", ["", "seconds", "rows/s"], filling(connection))


def fill(connection: Connection[Row], products: int) -> None:
    """A table of this many rows: the catalogue's vectors, again and again with other ids."""
    connection.execute("DROP TABLE IF EXISTS public.sized")
    connection.execute("CREATE TABLE public.sized (LIKE product_embeddings_1 INCLUDING DEFAULTS)")
    connection.execute("ALTER TABLE public.sized ALTER COLUMN fused SET STORAGE MAIN")
    insert(connection, 0, products)
    connection.execute("ANALYZE public.sized")


def insert(connection: Connection[Row], first: int, products: int) -> None:
    connection.execute(
        "INSERT INTO public.sized (product_id, space_id, text, image, reviews, fused)"
        " SELECT row_number() OVER (), space_id, text, image, reviews, fused FROM"
        " (SELECT e.* FROM product_embeddings_1 e CROSS JOIN generate_series(1, 3) OFFSET %s LIMIT %s) copies",
        [first, products],
    )


def by_size(connection: Connection[Row], products: int) -> list[object]:
    fill(connection, products)
    queries = [
        row[0] for row in connection.execute(f"SELECT fused FROM public.sized ORDER BY random() LIMIT {QUERIES}")
    ]
    exact = p50(lambda query: connection.execute(EXACT, [query]).fetchall(), queries)
    connection.execute(INDEXES[0])
    return [products, exact, p50(lambda query: connection.execute(ANN, [query]).fetchall(), queries)]


def p50(ask: Callable[[object], object], queries: list[object]) -> float:
    seconds = []
    for query in queries[:10] + queries:
        began = time.perf_counter()
        ask(query)
        seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds[10:])


def filling(connection: Connection[Row]) -> list[list[object]]:
    began = time.perf_counter()
    fill(connection, 12_000)
    filled = time.perf_counter()
    for statement in INDEXES:
        connection.execute(statement)
    built = time.perf_counter()
    insert(connection, 12_000, 1_000)
    inserted = time.perf_counter()
    connection.execute("DROP TABLE public.sized")
    return [
        ["fill, then build", built - began, 12_000 / (built - began)],
        ["of that the build", built - filled, 12_000 / (built - filled)],
        ["1,000 more into the built indexes", inserted - built, 1_000 / (inserted - built)],
    ]


if __name__ == "__main__":
    main()
