"""Whether the process lives, and whether it can answer."""

import psycopg

from backend.api.answers import Answer
from backend.api.problems import as_answer, log, problem
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered
from backend.database.migrate import require_current
from backend.errors import ConfigurationError, DatabaseUnavailable
from backend.spaces.space import active_space

routes = Routes("Operation")


class HealthAnswer(Answered):
    """The process is alive."""

    status: str


class ReadyAnswer(Answered):
    """Everything needed is there."""

    status: str
    space: str


@routes.add("GET", "/healthz", {200: HealthAnswer})
def check_health(services: Services) -> Answer:  # noqa: ARG001  # every handler is called alike
    """Check that the process is alive. Asks nothing of the database."""
    return Answer(HealthAnswer(status="alive"))


@routes.add("GET", "/readyz", {200: ReadyAnswer}, problems=[DatabaseUnavailable])
def check_readiness(services: Services) -> Answer:
    """Check that the database answers, its schema is current and an embedding space is active."""
    checked = "database"
    try:
        # A connection of its own fails at once where the pool would wait for one.
        psycopg.connect(services.database.dsn, connect_timeout=2).close()
        checked = "schema"
        require_current(services.database)
        checked = "space"
        space = active_space(services.database)
    except (psycopg.OperationalError, ConfigurationError) as error:
        log.warning("not ready: %s: %s", checked, error)
        return as_answer(problem("not-ready", 503, _REMEDIES[checked]), {"Retry-After": "1"})
    return Answer(ReadyAnswer(status="ready", space=space.name))


_REMEDIES = {
    "database": "The database does not answer; the log says why.",
    "schema": "The schema of the database is not current: run shelfmate migrate.",
    "space": "No embedding space is active: run shelfmate migrate.",
}
