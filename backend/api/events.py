"""What people do, over HTTP: sent in bulk, and listed by person."""

from collections.abc import Sequence

from backend.api.answers import Answer
from backend.api.bodies import NDJSON
from backend.api.event_types import (
    EventAnswer,
    EventBody,
    EventPageAnswer,
    EventProblemAnswer,
    EventQuery,
    EventsAnswer,
    EventsBody,
    Misfits,
)
from backend.api.problems import FieldProblem, as_answer, problem
from backend.api.routing import JSON, Routes
from backend.api.services import Services
from backend.catalog import events
from backend.errors import Conflict, InvalidInput

routes = Routes("People")


@routes.add("POST", "/v1/events", {200: EventsAnswer}, problems=[Conflict], media_types=(*JSON, NDJSON))
def add_events(services: Services, body: EventsBody) -> Answer:
    """Store what people did, up to 10,000 events at once. One that is refused costs the others nothing.

    Send one event as it is, many as a list, or one a line as NDJSON. An event with an id is stored once for its
    product, so that a request may be sent again. One event by itself that does not fit is an error (400); of several,
    problems name each by its place.
    """
    fit = [(place, item) for place, item in enumerate(body.events) if isinstance(item, EventBody)]
    outcome = events.add_events(services.database, [item.to_event() for _, item in fit])
    problems = [
        EventProblemAnswer(index=place, field=field, message=message)
        for place, item in enumerate(body.events)
        if isinstance(item, Misfits)
        for field, message in item.faults
    ]
    problems += [
        EventProblemAnswer(index=fit[fault.index][0], field=fault.field, message=fault.message)
        for fault in outcome.problems
    ]
    if body.is_alone and problems:
        return _refusal(problems)
    problems.sort(key=lambda item: item.index)
    refused = len({item.index for item in problems})
    return Answer(EventsAnswer(stored=outcome.stored, repeated=outcome.repeated, refused=refused, problems=problems))


@routes.add("GET", "/v1/users/{user_id}/events", {200: EventPageAnswer})
def list_events(services: Services, user_id: str, query: EventQuery) -> Answer:
    """List what a person did, the latest first; empty for somebody unknown."""
    page = events.list_events(services.database, user_id, limit=query.limit, cursor=query.cursor)
    items = [
        EventAnswer(
            sku=event.sku,
            kind=event.kind,
            value=event.value,
            occurred_at=event.occurred_at,
            recommendation_id=None if event.recommendation_id is None else str(event.recommendation_id),
            id=event.source_id,
        )
        for event in page.items
    ]
    return Answer(EventPageAnswer(items=items, next_cursor=page.next_cursor))


def _refusal(problems: Sequence[EventProblemAnswer]) -> Answer:
    fields = [FieldProblem(field=item.field, message=item.message) for item in problems]
    detail = "; ".join(f"{item.field}: {item.message}" for item in fields)
    return as_answer(problem(InvalidInput.problem, InvalidInput.status, detail, fields))
