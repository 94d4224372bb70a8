"""The kinds of values that requests and answers are made of."""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    Strict,
)
from pydantic.json_schema import WithJsonSchema


class Query(BaseModel):
    """Parameters behind the question mark; an unknown one is refused."""

    model_config = ConfigDict(extra="forbid")


class Body(BaseModel):
    """A JSON body; unknown fields are refused, and no text is taken for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @classmethod
    def read(cls, data: bytes, media_type: str) -> Self:  # noqa: ARG003  # a body of several media types looks at it
        """The body that these bytes say.

        Raises:
            ValidationError: they do not fit.
        """
        return cls.model_validate_json(data)


class Answered(BaseModel):
    """A JSON answer, made from the attributes of what the rest of Shelfmate returns."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    """JSON as Postgres takes it: its parser lets NaN and NUL pass, which jsonb has no room for."""
    _check_json(value)
    return value


def _check_json(value: Any) -> None:
    if isinstance(value, str):
        _without_nul(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must hold finite numbers only")
    elif isinstance(value, dict):
        for name, member in value.items():
            _without_nul(name)
            _check_json(member)
    elif isinstance(value, list):
        for member in value:
            _check_json(member)


def _number(value: Any) -> Any:
    if isinstance(value, str | bool):
        raise ValueError("must be a number")  # noqa: TRY004  # pydantic turns only ValueError into its own
    return value


# Sessions may have a time zone of their own; answers are in UTC.
Time = Annotated[datetime, AfterValidator(lambda time: time.astimezone(UTC))]
Text = Annotated[str, AfterValidator(_without_nul)]


# pydantic takes a text of digits for seconds since 1970: "2026" would be half past midnight of its first day.
_DATED = re.compile(r"\d{4}-\d\d-\d\d")


def _written_out(value: Any) -> Any:
    if not isinstance(value, datetime) and not (isinstance(value, str) and _DATED.match(value)):
        raise ValueError("must be a time, such as 2026-05-01T12:00:00Z")
    return value


# Where a function has seen the body before, strict mode refuses the text that a time is in JSON.
TimeInBody = Annotated[AwareDatetime, Strict(False), BeforeValidator(_written_out)]
Attributes = Annotated[dict[str, JsonValue], AfterValidator(_storable)]

# Prices are decimal numbers in JSON: 12 digits fit a double exactly, so that no client needs to parse a text.
_AMOUNT = Field(ge=0, max_digits=12, decimal_places=2)
_AMOUNT_SCHEMA = WithJsonSchema({"type": "number", "minimum": 0, "description": "At most two decimals."})


def _as_number(amount: Decimal) -> float | None:
    # numeric takes NaN, which JSON has no number for: who inserts by SQL can store one.
    return float(amount) if amount.is_finite() else None


_AS_NUMBER = PlainSerializer(_as_number, return_type=float | None, when_used="json")

AmountInQuery = Annotated[Decimal, _AMOUNT, _AMOUNT_SCHEMA]
# Strict mode refuses a float once a function has seen it; the function is stricter than that.
AmountInBody = Annotated[Decimal, Strict(False), _AMOUNT, BeforeValidator(_number), _AMOUNT_SCHEMA]
Amount = Annotated[Decimal, Field(allow_inf_nan=True), _AS_NUMBER, _AMOUNT_SCHEMA]
