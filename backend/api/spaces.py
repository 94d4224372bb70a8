"""Embedding spaces over HTTP: what there is, how far it is, and its life."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

from backend.api.answers import Answer
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.space_types import (
    ComparisonAnswer,
    ComparisonQuery,
    ForceBody,
    PlanAnswer,
    SpaceAnswer,
    SpaceBody,
    SpacesAnswer,
    as_plan,
    as_space,
)
from backend.errors import Conflict, InvalidInput, NotFound, NotReady
from backend.evaluation.alone import compare_alone
from backend.evaluation.table import rows
from backend.spaces import life
from backend.spaces.dropping import drop_space as drop
from backend.spaces.overview import find_report, list_reports
from backend.spaces.plans import cancel_plan, find_plan, list_plans
from backend.spaces.requesting import PATIENCE, request_space

routes = Routes("Spaces")


@routes.add("GET", "/v1/spaces", {200: SpacesAnswer})
def list_spaces(services: Services) -> Answer:
    """List the embedding spaces, and those that were asked for and are not there yet."""
    spaces = [as_space(report) for report in list_reports(services.database)]
    return Answer(SpacesAnswer(items=spaces, plans=[as_plan(plan) for plan in list_plans(services.database)]))


@routes.add("POST", "/v1/spaces", {201: SpaceAnswer, 202: PlanAnswer}, problems=[Conflict], scope="admin")
def create_space(services: Services, body: SpaceBody) -> Answer:
    """Make a space beside the active one; workers fill it.

    Where something learns from the catalogue first, a worker does that: 202, and the plan is at the same place.
    """
    place = {"Location": _path(body.name)}
    with renamed({"projection": "projections"}):
        plan = request_space(services.database, body.name, body.to_recipe())
    if plan is not None:
        return Answer(as_plan(plan), 202, place)
    return Answer(_one(services, body.name), 201, place)


@routes.add("GET", "/v1/spaces/{name}", {200: SpaceAnswer, 202: PlanAnswer}, problems=[NotFound])
def get_space(services: Services, name: str) -> Answer:
    """Get a space with what was fitted for it; 202 with its plan while it is not there yet."""
    plan = find_plan(services.database, name)
    if plan is not None:
        return Answer(as_plan(plan), 202)
    return Answer(_one(services, name))


@routes.add("DELETE", "/v1/spaces/{name}", {204: None}, problems=[NotFound, Conflict], scope="admin")
def drop_space(services: Services, name: str) -> Answer:
    """Drop a space with its vectors, or the plan of one. The active space is refused."""
    if find_plan(services.database, name) is not None:
        cancel_plan(services.database, name)
    else:
        drop(services.database, name, patience=PATIENCE)
    return Answer(status=204)


@routes.add(
    "POST",
    "/v1/spaces/{name}:activate",
    {200: SpaceAnswer},
    problems=[NotFound, Conflict],
    body_required=False,
    scope="admin",
)
def activate_space(services: Services, name: str, body: ForceBody) -> Answer:
    """Answer queries from this space from now on, in one short transaction."""
    life.activate(services.database, name, force=body.force, patience=PATIENCE)
    return Answer(_one(services, name))


@routes.add("POST", "/v1/spaces:rollback", {200: SpaceAnswer}, problems=[Conflict], body_required=False, scope="admin")
def roll_back_space(services: Services, body: ForceBody) -> Answer:
    """Answer queries from the space that was active before, in one short transaction."""
    space = life.roll_back(services.database, force=body.force, patience=PATIENCE)
    return Answer(_one(services, space.name))


@routes.add("POST", "/v1/spaces/{name}:retire", {200: SpaceAnswer}, problems=[NotFound, Conflict], scope="admin")
def retire_space(services: Services, name: str) -> Answer:
    """Keep a space up no more: what is edited from now on is not embedded in it."""
    life.retire(services.database, name)
    return Answer(_one(services, name))


@routes.add("POST", "/v1/spaces/{name}:resume", {200: SpaceAnswer}, problems=[NotFound, Conflict], scope="admin")
def resume_space(services: Services, name: str) -> Answer:
    """Fill a retired space again; what has not changed meanwhile is not encoded anew."""
    life.resume(services.database, name)
    return Answer(_one(services, name))


@routes.add("GET", "/v1/spaces/{name}/comparison", {200: ComparisonAnswer}, problems=[NotFound, NotReady])
def compare_spaces(services: Services, name: str, query: ComparisonQuery) -> Answer:
    """Compare a space with another: overlap, recall, quality, time and size.

    It asks both for a sample of products, which takes seconds; one comparison runs at a time.
    """
    with renamed({"b": "with"}):
        found = compare_alone(services.database, name, query.with_, sample=query.sample, k=query.k)
    head, lines = rows(found)
    return Answer(ComparisonAnswer(comparison=found.as_dict(), head=head, rows=lines))


@contextmanager
def renamed(fields: Mapping[str, str]) -> Iterator[None]:
    """Name a part of the request as it is called here where an error names it as it is called elsewhere."""
    try:
        yield
    except InvalidInput as error:
        if error.field is None or error.field not in fields:
            raise
        raise InvalidInput(str(error), field=fields[error.field]) from error


def _one(services: Services, name: str) -> SpaceAnswer:
    return as_space(find_report(services.database, name))


def _path(name: str) -> str:
    return f"/v1/spaces/{quote(name, safe='')}"
