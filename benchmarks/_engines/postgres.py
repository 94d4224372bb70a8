"""Postgres with pgvector: Shelfmate's function, a bare statement, a naive client, and filtered iterative scans."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pgvector import HalfVector
from psycopg import Connection
from psycopg.types.json import Jsonb

from backend.database.connection import Row
from benchmarks._corpus import Corpus, Field, Window
from benchmarks._database import Filled
from benchmarks._engines.engine import Engine

STRICT = "SELECT id, title FROM public.strict_products {where} ORDER BY embedding <#> %(query)s LIMIT %(k)s"


def require_no(window: Window | None) -> None:
    """For the ways of asking that are compared without a filter only."""
    if window is not None:
        raise NotImplementedError


class Postgres(Engine):
    """A connection of its own to the filled database; ids are rows plus 1."""

    index = "product_embeddings_1_fused_hnsw"

    def __init__(self, corpus: Corpus, directory: Path, filled: Filled) -> None:
        super().__init__(corpus, directory)
        self.filled = filled
        self.skus: list[str] = [product["sku"] for product in corpus.sample.products]
        self.opened = ExitStack()
        self.connection: Connection[Row] = self.opened.enter_context(filled.database.alone())

    def build(self) -> None:
        """The database is filled already."""

    def rows(self, answer: Any) -> Sequence[int]:
        """From the first column."""
        return [product_id - 1 for product_id, *_ in answer]

    def size(self) -> int | None:
        """The products, the vectors and the index that answers."""
        with self.filled.database.read() as connection:
            row = connection.execute(
                "SELECT pg_table_size('product_embeddings_1') + pg_total_relation_size('products')"
                " + pg_relation_size(%s::regclass)",
                [self.index],
            ).fetchone()
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        """Close the connection."""
        self.opened.close()


class Shelfmate(Postgres):
    """``similar_products``, prepared, with every column it returns; filters on the price."""

    name = "Shelfmate"
    least_ef = 20
    field_path = "price"

    def tune(self, ef: int) -> None:
        """What the planner starts from, as upkeep tunes it to a target recall."""
        super().tune(ef)
        self.connection.execute("UPDATE embedding_spaces SET ef_search = %s", [ef])

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """By sku; the product itself is left out by the function."""
        if window is None:
            statement = "SELECT product_id, s.* FROM similar_products(%s, %s) s"
            return self.connection.execute(statement, [self.skus[row], k], prepare=True).fetchall()
        statement = "SELECT product_id, s.* FROM similar_products(%s, %s, filter => %s) s"
        return self.connection.execute(
            statement, [self.skus[row], k, Jsonb(self.filter(window))], prepare=True
        ).fetchall()

    def filter(self, window: Window) -> dict[str, Any]:
        """The window as a filter."""
        return {"field": self.field_path, "gte": window.low, "lt": window.high}

    def carry(self, field: Field) -> None:
        """Write that field of the corpus into the price of every product."""
        ranks = self.corpus.ranks[field].tolist()
        self.connection.execute(
            "UPDATE products p SET price = v.rank FROM unnest(%s::bigint[]) WITH ORDINALITY AS v (rank, id)"
            " WHERE p.id = v.id",
            [ranks],
        )
        self.connection.execute("VACUUM ANALYZE products")


class ShelfmateAttributes(Shelfmate):
    """The same with a number among the attributes, which no index orders."""

    name = "Shelfmate, attribute"

    def build(self) -> None:
        """Write both fields into the attributes."""
        for field, ranks in self.corpus.ranks.items():
            self.connection.execute(
                "UPDATE products p SET attributes = attributes || jsonb_build_object(%s::text, v.rank)"
                " FROM unnest(%s::bigint[]) WITH ORDINALITY AS v (rank, id) WHERE p.id = v.id",
                [field, ranks.tolist()],
            )
        self.connection.execute("VACUUM ANALYZE products")

    def filter(self, window: Window) -> dict[str, Any]:
        """The window as a filter."""
        return {"field": f"attributes.{window.field}", "gte": window.low, "lt": window.high}


class BareStatement(Postgres):
    """What an analyst writes: a prepared statement over ``active_embeddings``, by sku, with ef_search set."""

    name = "bare SQL statement"
    filters = False

    def tune(self, ef: int) -> None:
        """pgvector's setting."""
        super().tune(ef)
        self.connection.execute("SELECT set_config('hnsw.ef_search', %s, false)", [str(ef)])

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """By sku."""
        require_no(window)
        statement = (
            "SELECT product_id, sku FROM active_embeddings ORDER BY"
            " fused <#> (SELECT fused FROM active_embeddings WHERE sku = %s) LIMIT %s"
        )
        return self.connection.execute(statement, [self.skus[row], k + 1], prepare=True).fetchall()


class NaiveClient(Postgres):
    """The vector as text in a statement new each time, with pgvector's default of 40 candidates; our storage."""

    name = "naive client, our view"
    tunable = False
    filters = False

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """Over the same view and index."""
        require_no(window)
        vector = self.corpus.fused[row].tolist()
        statement = (
            "SELECT a.product_id, a.sku, p.title FROM active_embeddings a JOIN products p ON p.id = a.product_id"
            f" ORDER BY a.fused <#> '{vector}' LIMIT {k + 1}"
        )
        return self.connection.execute(statement.encode(), prepare=False).fetchall()


class NaiveTable(Postgres):
    """The same client over a table of its own as first examples have it: single precision beside the columns."""

    name = "naive client, own table"
    tunable = False
    filters = False
    index = "naive_products_embedding_idx"

    def build(self) -> None:
        """One table with ``vector`` and its index, all defaults but the memory for the build."""
        run = self.connection.execute
        size = self.corpus.fused.shape[1]
        run("DROP TABLE IF EXISTS public.naive_products")
        run(
            "CREATE TABLE public.naive_products (id bigint PRIMARY KEY, sku text, title text,"
            f" embedding vector({size}))".encode()
        )
        run(
            "INSERT INTO public.naive_products SELECT e.product_id, p.sku, p.title, e.fused"
            " FROM product_embeddings_1 e JOIN products p ON p.id = e.product_id"
        )
        run("SET maintenance_work_mem = '2GB'")
        run("CREATE INDEX naive_products_embedding_idx ON public.naive_products USING hnsw (embedding vector_ip_ops)")
        run("VACUUM ANALYZE public.naive_products")

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """A statement with the vector written into it."""
        require_no(window)
        vector = self.corpus.fused[row].tolist()
        statement = f"SELECT id, sku, title FROM public.naive_products ORDER BY embedding <#> '{vector}' LIMIT {k + 1}"
        return self.connection.execute(statement.encode(), prepare=False).fetchall()

    def size(self) -> int | None:
        """The table with its indexes."""
        return self.filled.size("public.naive_products")

    def close(self) -> None:
        """Drop the table."""
        self.connection.execute("DROP TABLE IF EXISTS public.naive_products")
        super().close()


class StrictOrder(Postgres):
    """One table with vector and columns, iterative scan in strict order, and the planner's own defaults."""

    name = "pgvector strict_order"
    tunable = False
    index = "strict_products_embedding_idx"

    def build(self) -> None:
        """The table as pgvector's manual has it: HNSW on the vector, a B-tree on each column to filter by."""
        run = self.connection.execute
        size = self.corpus.fused.shape[1]
        run("DROP TABLE IF EXISTS public.strict_products")
        run(
            "CREATE TABLE public.strict_products (id bigint PRIMARY KEY, title text, scattered integer,"
            f" clustered integer, embedding halfvec({size}))".encode()
        )
        ranks = self.corpus.ranks
        run(
            "INSERT INTO public.strict_products SELECT e.product_id, p.title, v.scattered, v.clustered, e.fused"
            " FROM product_embeddings_1 e JOIN products p ON p.id = e.product_id"
            " JOIN unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS v (scattered, clustered, id) ON v.id = p.id",
            [ranks["scattered"].tolist(), ranks["clustered"].tolist()],
        )
        run("SET maintenance_work_mem = '2GB'")
        run(
            "CREATE INDEX strict_products_embedding_idx ON public.strict_products USING hnsw (embedding halfvec_ip_ops)"
        )
        run("CREATE INDEX ON public.strict_products (scattered)")
        run("CREATE INDEX ON public.strict_products (clustered)")
        run("VACUUM ANALYZE public.strict_products")
        run("SET hnsw.iterative_scan = strict_order; SET random_page_cost = 4")
        # The planner sees the filter's range each time, as it does for a statement that is asked once.
        run("SET plan_cache_mode = force_custom_plan")

    def ask(self, row: int, k: int, window: Window | None = None) -> Any:
        """The vector as a binary parameter of a prepared statement."""
        values = {"query": self.queries(row), "k": k + 1}
        where = ""
        if window is not None:
            where = f"WHERE {window.field} >= %(low)s AND {window.field} < %(high)s"
            values |= {"low": window.low, "high": window.high}
        return self.connection.execute(STRICT.format(where=where).encode(), values, prepare=True).fetchall()

    def queries(self, row: int) -> Any:
        """The vector as pgvector's client sends it."""
        return HalfVector(self.corpus.sample.fused[row])

    def size(self) -> int | None:
        """The table with its indexes."""
        return self.filled.size("public.strict_products")

    def close(self) -> None:
        """Drop the table."""
        self.connection.execute("DROP TABLE IF EXISTS public.strict_products")
        super().close()
