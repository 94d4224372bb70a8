"""A filter as a request carries it: any JSON that the database can read, described as the tree of docs/filters.md.

What a filter may say is decided in one place, by the SQL function ``filter_condition``, whose errors name the place at
fault; the models here only describe it.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, GetJsonSchemaHandler, JsonValue, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from backend.api.types import Body
from backend.errors import InvalidInput

Scalar = str | float | bool
Bound = float | str
Column = Literal[
    "category",
    "brand",
    "price",
    "currency",
    "in_stock",
    "rating",
    "bayesian_rating",
    "review_count",
    "sku",
    "title",
    "variant_group",
    "created_at",
    "updated_at",
]
Attribute = Annotated[str, Field(pattern=r"^attributes\..", description="What follows the first dot is one name.")]


def _describe_condition(schema: dict[str, Any]) -> None:
    # The defaults below only say that an operator may be left out.
    for described in schema["properties"].values():
        described.pop("default", None)
    schema["minProperties"] = 2


class FilterAll(Body):
    """All of the conditions hold; true of every product when there are none."""

    all: "list[Filter]"


class FilterAny(Body):
    """One or more of the conditions hold; true of no product when there are none."""

    any: "list[Filter]"


class FilterNot(Body):
    """The condition does not hold: a product that lacks its field is one of these."""

    not_: Annotated["Filter", Field(alias="not")]


class FilterCondition(Body):
    """One or more operators on a field, all of which must hold; none holds for a product that lacks the field."""

    model_config = ConfigDict(json_schema_extra=_describe_condition)

    field: Column | Attribute = Field(examples=["price", "attributes.season"])
    eq: Scalar = Field(default="", description="Equal; text by every character, a number never equals a text.")
    in_: list[Scalar] = Field(default=[], alias="in", description="Equal to one of them.")
    gte: Bound = Field(default=0, description="A number; a time as RFC 3339; in attributes also a date, YYYY-MM-DD.")
    gt: Bound = Field(default=0)
    lte: Bound = Field(default=0)
    lt: Bound = Field(default=0)
    contains: Scalar = Field(default="", description="A part of a text, or an element of an attribute's array.")
    under: str | list[str] = Field(default="", description="A category that exists, or several, with all below.")
    exists: bool = Field(default=True, description="Whether the product has the field.")


class Filter(RootModel[FilterAll | FilterAny | FilterNot | FilterCondition]):
    """Which products may come: a condition, or conditions joined by all, any and not."""


class _DescribedAsFilter:
    """Leaves validation as it is and refers the OpenAPI document to ``Filter``."""

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(Filter.__pydantic_core_schema__)


def check_storable(value: JsonValue, path: str = "filter") -> JsonValue:
    """The value, if jsonb has room for it: JSON's parsers let pass what the database would refuse less kindly.

    Raises:
        InvalidInput: a text has the character NUL, or a number is not finite; the error names the place.
    """
    if isinstance(value, str) and "\0" in value:
        raise InvalidInput(f"{path} must not contain the character NUL: leave it out", field=path)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{path} must be a finite number such as 10, not {value}", field=path)
    if isinstance(value, dict):
        for name, member in value.items():
            check_storable(name, path)
            check_storable(member, f"{path}.{name[:60]}")
    elif isinstance(value, list):
        for at, member in enumerate(value):
            check_storable(member, f"{path}[{at}]")
    return value


# What bodies declare: the JSON passes on as it is.
FilterJson = Annotated[JsonValue, AfterValidator(check_storable), _DescribedAsFilter()]
