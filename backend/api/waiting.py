"""Writes that wait for their vectors, and bulk writes that come faster than they are embedded."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from backend.api.services import Services
from backend.api.types import Query
from backend.catalog.products import EmbeddingState, read_embedding_states
from backend.errors import QueueFull
from backend.spaces.backlog import is_backlog_full, wait_until_embedded

LONGEST_WAIT = 60
DEFAULT_WAIT = 10

# Of an answer to a write that is stored and still being embedded.
PENDING = {"Retry-After": "1"}

# A worker embeds some hundred products in that time.
RETRY_SECONDS = 5


class WaitQuery(Query):
    """Whether to answer only when the vectors are stored."""

    wait: Annotated[
        Literal["embedded"] | None,
        Field(description="Answer when the vectors of what was written are stored; 202 when that takes too long."),
    ] = None
    timeout: Annotated[
        float | None,
        Field(ge=0, le=LONGEST_WAIT, description=f"Seconds to wait at most; {DEFAULT_WAIT} by default."),
    ] = None

    @model_validator(mode="after")
    def _only_with_wait(self) -> Self:
        if self.timeout is not None and self.wait is None:
            raise ValueError("timeout says how long to wait: give wait=embedded with it")
        return self


def settle(services: Services, query: WaitQuery, skus: Sequence[str]) -> dict[str, EmbeddingState]:
    """The state of each product's embedding: at once, or when all are ready or dead if the query says to wait.

    Waiting ends with the query's timeout. A part of the server's threads may wait at one time; whoever comes when all
    of them do is answered at once, so that other requests are never held up.
    """
    if query.wait is not None and services.waiting.acquire(blocking=False):
        try:
            wait_until_embedded(services.database, skus, DEFAULT_WAIT if query.timeout is None else query.timeout)
        finally:
            services.waiting.release()
    # One that was deleted meanwhile has no vectors, and will have none.
    states: dict[str, EmbeddingState] = dict.fromkeys(skus, "failed")
    return states | read_embedding_states(services.database, skus)


def require_room(services: Services) -> None:
    """Refuse a bulk write while more products wait to be embedded than ``max_queue`` allows.

    Raises:
        QueueFull: nothing was stored; the same request may be sent again later.
    """
    most = services.settings.max_queue
    if is_backlog_full(services.database, most):
        raise QueueFull(
            f"{most:,} products wait to be embedded already, and nothing of this request was stored: send it again "
            "later, or start more workers (SHELFMATE_MAX_QUEUE is the limit)",
            retry_after=RETRY_SECONDS,
        )
