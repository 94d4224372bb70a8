"""What events are sent and answered as."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    ConfigDict,
    Field,
    FiniteFloat,
    ModelWrapValidatorHandler,
    PrivateAttr,
    Strict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from backend.api.bodies import NDJSON
from backend.api.types import Answered, Body, Query, Text, Time, TimeInBody
from backend.api.wording import describe, path_of
from backend.catalog.events import LONGEST_KEY, EventData, Kind
from backend.errors import InvalidInput

MOST_EVENTS = 10_000

Key = Annotated[Text, Field(min_length=1, max_length=LONGEST_KEY)]


class EventBody(Body):
    """What somebody did with a product."""

    user_id: Annotated[Key, Field(description="The shop's own key of the person, be it of an anonymous visitor.")]
    kind: Kind
    sku: Annotated[Text, Field(min_length=1, max_length=200)]
    value: Annotated[
        FiniteFloat | None,
        Field(description="The stars of a rating, 1 to 5; of other kinds how much it counts against 1, if anything."),
    ] = None
    occurred_at: Annotated[TimeInBody | None, Field(description="RFC 3339, with its offset; now by default.")] = None
    recommendation_id: Annotated[
        Annotated[UUID, Strict(False)] | None, Field(description="The list that led to it.")
    ] = None
    id: Annotated[
        Key | None,
        Field(description="The shop's own key of the event: with the same one it is stored once for a product."),
    ] = None

    def to_event(self) -> EventData:
        """The same for the catalogue."""
        return EventData(
            self.user_id, self.kind, self.sku, self.value, self.occurred_at, self.recommendation_id, self.id
        )


class Misfits:
    """An event that is none, and why, kept so that the others can go on."""

    def __init__(self, error: ValidationError) -> None:
        known = list(EventBody.model_fields)
        self.faults = [(path_of(item["loc"]), describe(item, known)) for item in error.errors()]


def _keep_misfits(value: Any, validate: ValidatorFunctionWrapHandler) -> EventBody | Misfits:
    try:
        event: EventBody = validate(value)
    except ValidationError as error:
        return Misfits(error)
    return event


Item = Annotated[EventBody, WrapValidator(_keep_misfits)]


def _describe_both(schema: dict[str, Any]) -> None:
    listed = dict(schema)
    schema.clear()
    schema |= {name: listed.pop(name) for name in ("title", "description")}
    schema["anyOf"] = [listed["properties"]["events"]["items"], listed]


class EventsBody(Body):
    """Events as a list, or one event as it is."""

    model_config = ConfigDict(json_schema_extra=_describe_both)

    events: Annotated[list[Item], Field(max_length=MOST_EVENTS)]

    _alone: bool = PrivateAttr(default=False)

    @property
    def is_alone(self) -> bool:
        """Whether one event was sent, and not a list."""
        return self._alone

    @classmethod
    def read(cls, data: bytes, media_type: str) -> Self:
        """The events of a JSON body, or of the lines of an NDJSON body; blank lines do not count.

        Raises:
            ValidationError: the body is no JSON, or has other members; what is wrong with a single event is kept.
            InvalidInput: there are too many lines.
        """
        if media_type != NDJSON:
            return cls.model_validate_json(data)
        lines = [line for line in data.split(b"\n") if line.strip()]
        if len(lines) > MOST_EVENTS:
            raise InvalidInput(f"must have at most {MOST_EVENTS:,} lines: send several requests", field="events")
        return cls.model_construct(events=[_read_line(line) for line in lines])

    @model_validator(mode="wrap")
    @classmethod
    def _one_or_many(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, dict) or "events" in value or not value.keys() & EventBody.model_fields.keys():
            return validate(value)
        body = validate({"events": [value]})
        body._alone = True  # noqa: SLF001  # of this very class
        return body


def _read_line(line: bytes) -> EventBody | Misfits:
    try:
        return EventBody.model_validate_json(line)
    except ValidationError as error:
        return Misfits(error)


class EventProblemAnswer(Answered):
    """Why an event was refused."""

    index: Annotated[int, Field(description="The place of the event in the request, from 0.")]
    field: str
    message: Annotated[str, Field(description="What would be accepted.")]


class EventsAnswer(Answered):
    """What became of the events."""

    stored: int
    repeated: Annotated[int, Field(description="Events that were there already, by their id.")]
    refused: Annotated[int, Field(description="How many were refused; problems say why.")]
    problems: list[EventProblemAnswer]


class EventAnswer(Answered):
    """A stored event."""

    sku: str
    kind: Kind
    value: float | None
    occurred_at: Time
    recommendation_id: str | None
    id: Annotated[str | None, Field(description="The shop's own key.")]


class EventPageAnswer(Answered):
    """A page of events, the latest first."""

    items: list[EventAnswer]
    next_cursor: str | None


class ForgottenAnswer(Answered):
    """What went with a person."""

    events: Annotated[int, Field(description="Events that were deleted.")]
    reviews: Annotated[int, Field(description="Reviews that name nobody any more.")]


class EventQuery(Query):
    """Which events to list."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None
