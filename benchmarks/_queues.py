"""The job queues that `shelfmate bench queue` compares: each is filled with jobs that do nothing, and works them."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import psycopg

from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.space import active_space
from workers.lease import Lease
from workers.progress import Progress
from workers.queue import JobQueue, Result
from workers.worker import Worker


class Queue(Protocol):
    """One queue in one configuration, on the server of all."""

    @property
    def name(self) -> str:
        """Who, and how."""
        ...

    def fill(self, jobs: int) -> None:
        """Put so many jobs into the queue, which is empty."""
        ...

    def work(self) -> None:
        """Claim and complete every job, all of it durable."""
        ...

    def left(self) -> int:
        """How many jobs are not done."""
        ...


@dataclass
class ClaimAndComplete:
    """Shelfmate's two statements, as its worker calls them: the next batch is claimed while one is completed."""

    database: Database
    batch: int

    @property
    def name(self) -> str:
        """See ``Queue``."""
        return f"Shelfmate, batches of {self.batch}"

    def fill(self, jobs: int) -> None:
        """See ``Queue``."""
        with self.database.write() as connection:
            connection.execute("DELETE FROM embedding_jobs")
            connection.execute(
                "INSERT INTO embedding_jobs (product_id, space_id, priority)"
                " SELECT id, 1, 1 FROM products ORDER BY id LIMIT %s",
                [jobs],
            )

    def work(self) -> None:
        """See ``Queue``."""
        queue = JobQueue(self.database, "bench", lease_seconds=60)
        with ThreadPoolExecutor(1) as threads:
            ahead = threads.submit(queue.claim_backfill, 1, self.batch)
            while leases := ahead.result():
                ahead = threads.submit(queue.claim_backfill, 1, self.batch)
                queue.store(1, [_nothing(lease) for lease in leases])

    def left(self) -> int:
        """See ``Queue``."""
        return _count(self.database.dsn, "SELECT count(*) FROM shelfmate.embedding_jobs")


class WholeWorker(ClaimAndComplete):
    """Shelfmate's worker over products that have not changed: it loads each, hashes its text, and ends the job."""

    @property
    def name(self) -> str:
        """See ``Queue``."""
        return f"Shelfmate's whole worker, unchanged products, batches of {self.batch}"

    def work(self) -> None:
        """See ``Queue``."""
        settings = Settings(database_url=self.database.dsn, batch_size=self.batch)
        Worker(self.database, settings, Progress(), drain=True, build_indexes=False).run()


@dataclass
class PgQueuer:
    """PgQueuer over psycopg: a QueueManager in drain mode with one entry point; all tables logged."""

    dsn: str
    batch: int

    @property
    def name(self) -> str:
        """See ``Queue``."""
        return f"PgQueuer (psycopg), batch_size={self.batch}"

    def fill(self, jobs: int) -> None:
        """See ``Queue``."""
        asyncio.run(self._fill(jobs))

    def work(self) -> None:
        """See ``Queue``."""
        asyncio.run(self._work())

    def left(self) -> int:
        """See ``Queue``."""
        return _count(self.dsn, "SELECT count(*) FROM public.pgqueuer")

    async def _fill(self, jobs: int) -> None:
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            queries = self._queries(connection)
            if not await queries.has_table("pgqueuer"):
                await queries.install()
            await queries.enqueue(["nothing"] * jobs, [None] * jobs, [0] * jobs)

    async def _work(self) -> None:
        drain: Any = import_module("pgqueuer.types").QueueExecutionMode.drain
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            manager: Any = import_module("pgqueuer.qm").QueueManager(self._queries(connection))
            manager.entrypoint("nothing")(_do_nothing)
            await manager.run(batch_size=self.batch, mode=drain)

    def _queries(self, connection: Any) -> Any:
        return import_module("pgqueuer.queries").Queries(import_module("pgqueuer.db").PsycopgDriver(connection))


@dataclass
class Procrastinate:
    """Procrastinate over psycopg: one worker that runs as many jobs at once as ``concurrency`` says."""

    dsn: str
    concurrency: int

    @property
    def name(self) -> str:
        """See ``Queue``."""
        return f"Procrastinate, concurrency={self.concurrency}"

    def fill(self, jobs: int) -> None:
        """See ``Queue``."""
        asyncio.run(self._with_app(self._fill, jobs))

    def work(self) -> None:
        """See ``Queue``."""
        asyncio.run(self._with_app(self._work, 0))

    def left(self) -> int:
        """See ``Queue``."""
        return _count(self.dsn, "SELECT count(*) FROM public.procrastinate_jobs WHERE status <> 'succeeded'")

    async def _with_app(self, do: Any, jobs: int) -> None:
        package: Any = import_module("procrastinate")
        connector = package.PsycopgConnector(conninfo=self.dsn, min_size=2, max_size=self.concurrency + 2)
        app = package.App(connector=connector)
        app.task(name="nothing")(_do_nothing)
        async with app.open_async():
            step: Coroutine[Any, Any, None] = do(app, jobs)
            await step

    async def _fill(self, app: Any, jobs: int) -> None:
        if _count(self.dsn, "SELECT count(*) FROM pg_tables WHERE tablename = 'procrastinate_jobs'") == 0:
            await app.schema_manager.apply_schema_async()
        for start in range(0, jobs, 1_000):
            await app.tasks["nothing"].batch_defer_async(*[{} for _ in range(min(1_000, jobs - start))])

    async def _work(self, app: Any, _jobs: int) -> None:
        # Without a log line for each job, and with what is done deleted, which is its quickest way to end one.
        await app.run_worker_async(
            wait=False, concurrency=self.concurrency, install_signal_handlers=False, delete_jobs="successful"
        )


async def _do_nothing(_job: Any = None) -> None:
    """The work of every job."""


def _nothing(lease: Lease) -> Result:
    return Result(lease, None, None, None, None, None)


def _count(dsn: str, query: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def unchanged_products(database: Database, count: int) -> None:
    """So many products whose vectors are stored already: there is nothing to be done for them."""
    space = active_space(database)
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, %s) n", [count]
        )
        connection.execute(
            "INSERT INTO product_embeddings (product_id, space_id, text, fused, text_hash)"
            " SELECT id, %s, array_fill(0.1, ARRAY[%s])::halfvec, array_fill(0.1, ARRAY[%s])::halfvec,"
            " sha256(title::bytea) FROM products",
            [space.id, space.text_dimensions, sum(space.dimensions)],
        )
        connection.execute("DELETE FROM embedding_jobs")
