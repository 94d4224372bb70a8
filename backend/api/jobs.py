"""The embedding queue over HTTP."""

from typing import Annotated, Literal

from pydantic import Field

from backend.api.answers import Answer
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Body, Query, Text, Time
from backend.catalog.products import get_product
from backend.errors import NotFound
from backend.spaces import jobs

routes = Routes("Jobs")


class JobQuery(Query):
    """Which jobs to list."""

    state: Literal["queued", "leased", "dead"] | None = None
    sku: Text | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 50


class CountsAnswer(Answered):
    """Jobs in each state."""

    queued: int
    leased: int
    dead: int
    oldest: Annotated[float, Field(description="Age in seconds of the longest waiting one that is not dead.")]


class JobAnswer(Answered):
    """One product to embed in one space."""

    sku: str
    space: str
    state: Literal["queued", "leased", "dead"]
    priority: int
    attempts: int
    losses: Annotated[int, Field(description="How often its worker died.")]
    queued_at: Time
    available_at: Time
    worker: str | None
    leased_until: Time | None
    last_error: str | None


class JobsAnswer(Answered):
    """The queue: counts of all jobs, and those asked for, the dead first."""

    counts: CountsAnswer
    items: list[JobAnswer]


class RetryBody(Body):
    """Which dead jobs to queue again."""

    sku: Annotated[Text | None, Field(description="Those of one product; without it all.")] = None


class RetryAnswer(Answered):
    """How many dead jobs are queued again."""

    retried: int


@routes.add("GET", "/v1/jobs", {200: JobsAnswer})
def list_jobs(services: Services, query: JobQuery) -> Answer:
    """Look into the embedding queue."""
    counts = jobs.count_jobs(services.database)
    items = jobs.list_jobs(services.database, state=query.state, sku=query.sku, limit=query.limit)
    return Answer(JobsAnswer.model_validate({"counts": counts, "items": items}))


@routes.add("POST", "/v1/jobs:retry", {200: RetryAnswer}, problems=[NotFound], body_required=False, scope="admin")
def retry_jobs(services: Services, body: RetryBody) -> Answer:
    """Queue dead jobs again."""
    if body.sku is not None:
        get_product(services.database, body.sku)
    return Answer(RetryAnswer(retried=jobs.retry_dead(services.database, sku=body.sku)))
