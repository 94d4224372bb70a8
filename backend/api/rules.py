"""Ranking rules over HTTP."""

from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field, FiniteFloat, JsonValue

from backend.api.answers import Answer
from backend.api.filter_types import FilterJson
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Body, Query, Text, Time, TimeInBody
from backend.errors import Conflict, InvalidInput, NotFound
from backend.recommend import rules
from backend.recommend.rules import RuleData

routes = Routes("Rules")

Action = Annotated[
    Literal["boost", "bury", "pin", "hide"],
    Field(
        description="boost adds amount to the score of the products that match the filter, bury takes it off, "
        "hide removes them; pin puts the product of the sku at the position, where it satisfies the request's filter."
    ),
]
State = Literal["active", "scheduled", "ended", "disabled"]


class RuleBody(Body):
    """What a rule does, for which products, where and when."""

    name: Annotated[Text | None, Field(description="a-z, 0-9 and hyphens; not changed by a PUT.")] = None
    action: Action
    filter: Annotated[
        FilterJson | None,
        Field(description="The products that boost, bury and hide are about, as in a recommendation."),
    ] = None
    amount: Annotated[FiniteFloat | None, Field(gt=0, le=1, description="boost and bury: score units.")] = None
    sku: Annotated[Text | None, Field(description="pin: the product.")] = None
    position: Annotated[int | None, Field(ge=1, le=1000, description="pin: where in the list, from 1.")] = None
    placement: Annotated[Text | None, Field(description="For requests that name this placement; null for all.")] = None
    starts_at: Annotated[TimeInBody | None, Field(description="Inclusive; null: it always has applied.")] = None
    ends_at: Annotated[TimeInBody | None, Field(description="Exclusive; null: it applies for good.")] = None
    enabled: bool = True
    note: Annotated[Text, Field(description="Why it is there, for people.")] = ""

    def to_data(self) -> RuleData:
        """As the rest of Shelfmate has it."""
        return RuleData(**{name: getattr(self, name) for name in RuleBody.model_fields if name != "name"})


class RuleAnswer(Answered):
    """A stored rule."""

    name: str
    action: Action
    filter: dict[str, JsonValue] | None
    amount: float | None
    sku: str | None
    position: int | None
    placement: str | None
    starts_at: Time | None
    ends_at: Time | None
    enabled: bool
    note: str
    state: Annotated[State, Field(description="Whether it applies now.")]
    missing: Annotated[
        list[str], Field(description="Categories or the product that it names and that are gone: these match nothing.")
    ]
    created_at: Time
    updated_at: Time


class RulesAnswer(Answered):
    """Rules in the order in which they apply."""

    items: list[RuleAnswer]


class RulesQuery(Query):
    """Which rules to list."""

    state: Annotated[State | None, Field(description="Those in this state only.")] = None
    placement: Annotated[
        Text | None, Field(description="Those that apply there only, with those of every placement.")
    ] = None


@routes.add("GET", "/v1/rules", {200: RulesAnswer})
def list_rules(services: Services, query: RulesQuery) -> Answer:
    """List rules, in the order in which they apply."""
    found = [
        RuleAnswer.model_validate(rule)
        for rule in rules.list_rules(services.database)
        if query.state in (None, rule.state) and (query.placement is None or rule.placement in (None, query.placement))
    ]
    return Answer(RulesAnswer(items=found))


@routes.add("POST", "/v1/rules", {201: RuleAnswer}, problems=[Conflict], scope="admin")
def create_rule(services: Services, body: RuleBody) -> Answer:
    """Create a rule of a new name."""
    if body.name is None:
        raise InvalidInput("is required", field="name")
    rule = rules.create_rule(services.database, body.name, body.to_data())
    return Answer(RuleAnswer.model_validate(rule), 201, {"Location": _path(rule.name)})


@routes.add("GET", "/v1/rules/{name}", {200: RuleAnswer}, problems=[NotFound])
def get_rule(services: Services, name: str) -> Answer:
    """Get a rule."""
    return Answer(RuleAnswer.model_validate(rules.get_rule(services.database, name)))


@routes.add("PUT", "/v1/rules/{name}", {200: RuleAnswer, 201: RuleAnswer}, problems=[Conflict], scope="admin")
def put_rule(services: Services, name: str, body: RuleBody) -> Answer:
    """Create a rule, or replace all of it."""
    if body.name is not None and body.name != name:
        raise InvalidInput(f"is {body.name}, but the path says {name}", field="name")
    rule, created = rules.put_rule(services.database, name, body.to_data())
    answer = RuleAnswer.model_validate(rule)
    return Answer(answer, 201, {"Location": _path(name)}) if created else Answer(answer)


@routes.add("DELETE", "/v1/rules/{name}", {204: None}, problems=[NotFound], scope="admin")
def delete_rule(services: Services, name: str) -> Answer:
    """Delete a rule."""
    rules.delete_rule(services.database, name)
    return Answer(status=204)


def _path(name: str) -> str:
    return f"/v1/rules/{quote(name, safe='')}"
