"""Metrics of the embedding queue and of the spaces that it fills."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from backend.database.connection import Database
from backend.spaces.jobs import SpaceQueue, count_jobs, queue_by_space
from backend.spaces.plans import list_plans
from backend.spaces.watching import Overview, list_overviews


def queue_metrics(database: Database) -> Iterable[Metric]:
    """Jobs by state, space and priority, how long the oldest is due, and what became of them lately."""
    queues = queue_by_space(database)
    yield from _jobs(queues)
    yield GaugeMetricFamily(
        "shelfmate_embedding_jobs_oldest_seconds", "Age of the longest waiting job.", count_jobs(database).oldest
    )
    yield from _rates(queues)


def _jobs(queues: Iterable[SpaceQueue]) -> Iterable[Metric]:
    jobs = GaugeMetricFamily(
        "shelfmate_embedding_jobs",
        "Embedding jobs; priority is interactive or backfill for those that are queued, any for others.",
        labels=["space", "state", "priority"],
    )
    due = GaugeMetricFamily(
        "shelfmate_embedding_due_seconds", "For how long the longest waiting job has been due.", labels=["space"]
    )
    for queue in queues:
        jobs.add_metric([queue.space, "queued", "interactive"], queue.interactive)
        jobs.add_metric([queue.space, "queued", "backfill"], queue.backfill)
        jobs.add_metric([queue.space, "leased", "any"], queue.leased)
        jobs.add_metric([queue.space, "dead", "any"], queue.dead)
        due.add_metric([queue.space], queue.oldest)
    yield from (jobs, due)


def _rates(queues: Iterable[SpaceQueue]) -> Iterable[Metric]:
    minute, hour = (
        GaugeMetricFamily(
            f"shelfmate_embedding_finished_{span}",
            f"Attempts that ended in the last {span}: completed, failed (will be made again) or died (given up).",
            labels=["space", "outcome"],
        )
        for span in ("minute", "hour")
    )
    for queue in queues:
        for outcome in ("completed", "failed", "died"):
            minute.add_metric([queue.space, outcome], getattr(queue, f"{outcome}_minute"))
            hour.add_metric([queue.space, outcome], getattr(queue, f"{outcome}_hour"))
    yield from (minute, hour)


def space_metrics(database: Database) -> Iterable[Metric]:
    """How far each space is filled and indexed, how large it is, and the spaces that are planned."""
    overviews = list_overviews(database)
    yield from _fills(overviews)
    built = GaugeMetricFamily(
        "shelfmate_space_index_share", "How far an index is built, 0 to 1.", labels=["space", "index"]
    )
    for overview in overviews:
        for index in overview.indexes:
            built.add_metric([overview.space.name, index.name], 1 if index.whole else index.built or 0)
    yield built
    plans = GaugeMetricFamily("shelfmate_space_plans", "Spaces that are asked for and not there yet.", labels=["state"])
    states = [plan.state for plan in list_plans(database)]
    for state in ("waiting", "fitting", "failed"):
        plans.add_metric([state], states.count(state))
    yield plans


def _fills(overviews: Iterable[Overview]) -> Iterable[Metric]:
    labels = ["space", "state"]
    embedded = GaugeMetricFamily("shelfmate_embedded_products", "Products with vectors.", labels=labels)
    share = GaugeMetricFamily("shelfmate_space_fill_share", "Embedded products among all, 0 to 1.", labels=labels)
    size = GaugeMetricFamily("shelfmate_space_bytes", "Size of a space, indexes included.", labels=labels)
    for overview in overviews:
        values = [overview.space.name, overview.space.state]
        embedded.add_metric(values, overview.fill.embedded)
        share.add_metric(values, overview.fill.share)
        size.add_metric(values, overview.bytes)
    yield from (embedded, share, size)
