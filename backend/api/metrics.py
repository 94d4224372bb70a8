"""Prometheus metrics of one app: its requests, the embedding queue, the spaces and what upkeep measured of them."""

import time
from collections.abc import Iterable

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from backend.api.answers import Answer
from backend.api.problems import log
from backend.api.queue_metrics import queue_metrics, space_metrics
from backend.api.routing import Routes
from backend.api.services import Services
from backend.catalog.events import count_last_hour
from backend.database.connection import Database
from backend.errors import DatabaseUnavailable, TookTooLong
from backend.recommend.retrieval_state import Gauges, read_gauges

# Seconds; a ranking takes a few milliseconds, an upload may take seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class DatabaseMetrics(Collector):
    """Asked of the database at each scrape."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterable[Metric]:
        """The gauges; where the database does not answer in time, only that."""
        try:
            queue, spaces = list(queue_metrics(self._database)), list(space_metrics(self._database))
            gauges, events = read_gauges(self._database), count_last_hour(self._database)
        except (DatabaseUnavailable, TookTooLong) as error:
            log.warning("no metrics of the database: %s", error)
            yield GaugeMetricFamily("shelfmate_database_up", "Whether the database answers.", 0)
            return
        yield GaugeMetricFamily("shelfmate_database_up", "Whether the database answers.", 1)
        yield from queue
        yield from spaces
        yield from _retrieval(gauges)
        happened = GaugeMetricFamily(
            "shelfmate_events_hour", "Events that happened within the last hour, by kind.", labels=["kind"]
        )
        for kind, number in events.items():
            happened.add_metric([kind], number)
        yield happened


def _retrieval(gauges: Gauges) -> Iterable[Metric]:
    """What upkeep last measured; nothing of what it never did."""
    now = time.time()
    recall = GaugeMetricFamily(
        "shelfmate_recall",
        "Mean recall of audited queries, as the space is set now.",
        labels=["space", "filter_class"],
    )
    worst = GaugeMetricFamily(
        "shelfmate_recall_p5", "Recall that all but the worst 5 % have.", labels=["space", "filter_class"]
    )
    counted = GaugeMetricFamily("shelfmate_recall_queries", "Audited queries.", labels=["space", "filter_class"])
    for item in gauges.recall:
        labels = [item.space, item.filter_class]
        recall.add_metric(labels, item.recall)
        worst.add_metric(labels, item.p5)
        counted.add_metric(labels, item.n)
    width = GaugeMetricFamily("shelfmate_ef_search", "Candidates that a search of the graph keeps.", labels=["space"])
    age = GaugeMetricFamily("shelfmate_recall_audit_age_seconds", "Since the last audit of a space.", labels=["space"])
    for space in gauges.spaces:
        width.add_metric([space.space], space.ef_search)
        if space.last_audited is not None:
            age.add_metric([space.space], now - space.last_audited.timestamp())
    size = GaugeMetricFamily("shelfmate_index_bytes", "Size of an index.", labels=["index"])
    dead = GaugeMetricFamily(
        "shelfmate_index_dead_share", "Share of the rows that an index points at which are dead.", labels=["index"]
    )
    lost = GaugeMetricFamily(
        "shelfmate_index_unreachable_share", "Share of sampled products that an index does not reach.", labels=["index"]
    )
    for index in gauges.indexes:
        size.add_metric([index.index_name], index.bytes)
        dead.add_metric([index.index_name], index.dead_share)
        lost.add_metric([index.index_name], index.lost_share)
    yield from (recall, worst, counted, width, age, size, dead, lost)
    if gauges.last_pass is not None:
        yield GaugeMetricFamily(
            "shelfmate_upkeep_age_seconds",
            "Since the last pass of upkeep that measured began.",
            now - gauges.last_pass.started_at.timestamp(),
        )


def register(app: Flask, services: Services) -> Routes:
    """Time the app's requests; returns the route that shows all metrics."""
    registry = CollectorRegistry()
    registry.register(DatabaseMetrics(services.database))
    latency = Histogram(
        "shelfmate_http_request_seconds",
        "Time to answer a request, by route and status.",
        ["method", "route", "status"],
        buckets=BUCKETS,
        registry=registry,
    )

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def observe(response: Response) -> Response:
        # What matches no route shares its labels, so that a scanner cannot fill the memory.
        rule = request.url_rule
        method, route = (request.method, rule.rule) if rule else ("other", "none")
        latency.labels(method, route, response.status_code).observe(time.perf_counter() - g.began)
        return response

    routes = Routes("Operation")

    @routes.add("GET", "/metrics", {200: "text/plain"})
    def show_metrics(services: Services) -> Answer:  # noqa: ARG001  # every handler is called alike
        """Metrics for Prometheus."""
        return Answer(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes
