"""What is like a product, over HTTP."""

from typing import Annotated

from pydantic import Field

from backend.api.answers import Answer
from backend.api.paged import as_body, read_later_page
from backend.api.recommendation_types import Count, RecommendationAnswer, Weight
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import AmountInQuery, Query, Text
from backend.errors import (
    Conflict,
    EmbeddingFailed,
    EmbeddingPending,
    Expired,
    InvalidCursor,
    InvalidInput,
    NotFound,
    NotReady,
)
from backend.recommend import frozen
from backend.recommend.ranking import Filter, Weights
from backend.spaces.answering import require_answering

routes = Routes("Recommendations")

KIND = "similar"
_PAGING = {"cursor", "k"}


class SimilarQuery(Query):
    """How many, which, and what counts."""

    k: Count = frozen.DEFAULT_HITS
    category: Annotated[Text | None, Field(description="Takes the category and all below it.")] = None
    price_min: Annotated[AmountInQuery | None, Field(description="Inclusive.")] = None
    price_max: Annotated[AmountInQuery | None, Field(description="Inclusive.")] = None
    in_stock: bool | None = None
    w_text: Annotated[Weight | None, Field(description="Once a weight is given, those left out are 0.")] = None
    w_image: Annotated[Weight | None, Field(description="Once a weight is given, those left out are 0.")] = None
    w_reviews: Annotated[Weight | None, Field(description="Once a weight is given, those left out are 0.")] = None
    exact: Annotated[bool, Field(description="Compare with every product instead of using an index.")] = False
    space: Annotated[Text | None, Field(description="A shadow space to try; the active one by default.")] = None
    cursor: Annotated[
        str | None, Field(description="next_cursor of the page before; other parameters may be left out with it.")
    ] = None


@routes.add(
    "GET",
    "/v1/products/{sku}/similar",
    {200: RecommendationAnswer},
    problems=[NotFound, EmbeddingPending, EmbeddingFailed, Expired, InvalidCursor, NotReady, Conflict],
)
def list_similar(services: Services, sku: str, query: SimilarQuery) -> Answer:
    """Find the products most like one, without itself."""
    if query.price_min is not None and query.price_max is not None and query.price_min > query.price_max:
        raise InvalidInput("is above price_max", field="price_min")
    filters = Filter(query.category, query.price_min, query.price_max, query.in_stock)
    if query.space is not None:
        require_answering(services.database, query.space)
    asked = _asked(sku, query, filters)
    if query.cursor is not None:
        return Answer(as_body(services, _later_page(services, asked, query), KIND, asked))
    try:
        seconds = services.settings.recommendation_ttl
        page = frozen.recommend(services.database, asked, kind=KIND, seconds=seconds)
    except InvalidInput as error:
        raise filters.blame(error) from error
    return Answer(as_body(services, page, KIND, asked))


def _asked(sku: str, query: SimilarQuery, filters: Filter) -> frozen.Json:
    asked = {"like": [{"sku": sku}], "k": query.k, **filters.query}
    asked |= Weights(text=query.w_text, image=query.w_image, reviews=query.w_reviews).query
    if query.exact:
        asked["exact"] = True
    if query.space is not None:
        asked["space"] = query.space
    return asked


def _later_page(services: Services, asked: frozen.Json, query: SimilarQuery) -> frozen.Page:
    page = read_later_page(services, query.cursor or "", k=query.k if "k" in query.model_fields_set else None)
    same_product = page.kind == KIND and page.query["like"] == asked["like"]
    if not same_product or (query.model_fields_set - _PAGING and page.query != asked | {"k": page.query["k"]}):
        raise InvalidCursor("is of a list with another product or other parameters", field="cursor")
    return page
