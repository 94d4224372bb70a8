"""Many products in one request."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from backend.api.answers import Answer
from backend.api.problems import Problem, from_error, from_validation
from backend.api.products import ProductBody
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Body, Text
from backend.catalog.bulk import PutResult, put_many

routes = Routes("Products")

MOST_ITEMS = 1000


class BulkProduct(ProductBody):
    """A product with its sku."""

    sku: Annotated[Text, Field(min_length=1, max_length=200)]


@dataclass(frozen=True)
class Misshapen:
    """An item that is no product, kept so that the others can go on."""

    sku: str | None
    problem: Problem


def _keep_misshapen(value: Any, validate: ValidatorFunctionWrapHandler) -> BulkProduct | Misshapen:
    try:
        product: BulkProduct = validate(value)
    except ValidationError as error:
        sku = value.get("sku") if isinstance(value, dict) else None
        return Misshapen(sku if isinstance(sku, str) else None, from_validation(error, list(BulkProduct.model_fields)))
    return product


class BulkBody(Body):
    """Products to create or replace. A sku that comes twice is put twice."""

    items: Annotated[list[Annotated[BulkProduct, WrapValidator(_keep_misshapen)]], Field(max_length=MOST_ITEMS)]


class BulkResult(Answered):
    """What became of one item; problem says why it was refused."""

    sku: Annotated[str | None, Field(description="Null where the item has none.")]
    status: Literal["created", "replaced", "unchanged", "refused"]
    problem: Problem | None


class BulkAnswer(Answered):
    """A result for each item, in the same order."""

    items: list[BulkResult]
    refused: Annotated[int, Field(description="How many were refused.")]


@routes.add("POST", "/v1/products:bulk", {200: BulkAnswer})
def put_products(services: Services, body: BulkBody) -> Answer:
    """Create or replace many products. An item that is refused costs the others nothing."""
    entries: list[BulkProduct | Misshapen] = list(body.items)
    fit = [(entry.sku, entry.to_data()) for entry in entries if isinstance(entry, BulkProduct)]
    stored = iter(put_many(services.database, fit))
    results = [
        BulkResult(sku=entry.sku, status="refused", problem=entry.problem)
        if isinstance(entry, Misshapen)
        else _as_result(next(stored))
        for entry in entries
    ]
    return Answer(BulkAnswer(items=results, refused=sum(result.status == "refused" for result in results)))


def _as_result(result: PutResult) -> BulkResult:
    problem = None if result.problem is None else from_error(result.problem)
    return BulkResult(sku=result.sku, status=result.status, problem=problem)
