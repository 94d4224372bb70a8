"""Many products in one request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from backend.api.answers import Answer
from backend.api.problems import Problem, from_error, from_validation
from backend.api.products import ProductBody
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Body, Text
from backend.api.waiting import PENDING, WaitQuery, require_room, settle
from backend.catalog.bulk import PutResult, put_many
from backend.catalog.products import EmbeddingState
from backend.errors import QueueFull

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
    embedding: Annotated[
        EmbeddingState | None, Field(description="Whether its vectors are stored, when wait asked; else null.")
    ] = None


class BulkAnswer(Answered):
    """A result for each item, in the same order."""

    items: list[BulkResult]
    refused: Annotated[int, Field(description="How many were refused.")]


@routes.add("POST", "/v1/products:bulk", {200: BulkAnswer, 202: BulkAnswer}, problems=[QueueFull])
def put_products(services: Services, query: WaitQuery, body: BulkBody) -> Answer:
    """Create or replace many products. An item that is refused costs the others nothing."""
    require_room(services)
    entries: list[BulkProduct | Misshapen] = list(body.items)
    fit = [(entry.sku, entry.to_data()) for entry in entries if isinstance(entry, BulkProduct)]
    stored = put_many(services.database, fit)
    states: Mapping[str, EmbeddingState] = {}
    if query.wait is not None:
        states = settle(services, query, [result.sku for result in stored if result.problem is None])
    following = iter(stored)
    results = [
        BulkResult(sku=entry.sku, status="refused", problem=entry.problem)
        if isinstance(entry, Misshapen)
        else _as_result(next(following), states)
        for entry in entries
    ]
    answer = BulkAnswer(items=results, refused=sum(result.status == "refused" for result in results))
    return Answer(answer, 202, PENDING) if "pending" in states.values() else Answer(answer)


def _as_result(result: PutResult, states: Mapping[str, EmbeddingState]) -> BulkResult:
    problem = None if result.problem is None else from_error(result.problem)
    embedding = None if problem else states.get(result.sku)
    return BulkResult(sku=result.sku, status=result.status, problem=problem, embedding=embedding)
