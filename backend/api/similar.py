"""What is like a product, over HTTP."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from backend.api.answers import Answer
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Amount, AmountInQuery, Answered, Query, Text
from backend.errors import EmbeddingFailed, EmbeddingPending, InvalidInput, NotFound
from backend.recommend.ranking import MOST_HITS, Filter, Ranking, Weights, similar

routes = Routes("Recommendations")

Weight = Annotated[FiniteFloat, Field(ge=0, le=1000)]


class SimilarQuery(Query):
    """How many, which, and what counts."""

    k: Annotated[int, Field(ge=1, le=MOST_HITS, description="Exactly so many come, or all that match.")] = 10
    category: Annotated[Text | None, Field(description="Takes the category and all below it.")] = None
    price_min: Annotated[AmountInQuery | None, Field(description="Inclusive.")] = None
    price_max: Annotated[AmountInQuery | None, Field(description="Inclusive.")] = None
    in_stock: bool | None = None
    w_text: Annotated[Weight | None, Field(description="Once a weight is given, those left out are 0.")] = None
    w_image: Annotated[Weight | None, Field(description="Once a weight is given, those left out are 0.")] = None
    exact: Annotated[bool, Field(description="Compare with every product instead of using an index.")] = False
    space: Annotated[Text | None, Field(description="An embedding space; the active one by default.")] = None


class HitAnswer(Answered):
    """One product of a ranking."""

    sku: str
    title: str
    score: float
    contributions: Annotated[
        dict[str, float], Field(description="The part of each modality in the score; they add up to it.")
    ]
    brand: str | None
    category: str | None
    price: Amount | None
    currency: str | None
    in_stock: bool
    variant_group: str | None


class SearchAnswer(Answered):
    """How the ranking was found."""

    mode: Annotated[Literal["exact", "ann"], Field(description="ann: by an approximate index.")]
    complete: Annotated[bool, Field(description="Whether k came, or all that match.")]


class RankingAnswer(Answered):
    """A ranking, best first."""

    recommendation_id: str | None
    items: list[HitAnswer]
    next_cursor: str | None
    source: Annotated[str, Field(examples=["similar"])]
    search: SearchAnswer
    space: Annotated[str, Field(description="The embedding space that answered.")]


@routes.add(
    "GET",
    "/v1/products/{sku}/similar",
    {200: RankingAnswer},
    problems=[NotFound, EmbeddingPending, EmbeddingFailed],
)
def list_similar(services: Services, sku: str, query: SimilarQuery) -> Answer:
    """Find the products most like one, without itself."""
    if query.price_min is not None and query.price_max is not None and query.price_min > query.price_max:
        raise InvalidInput("is above price_max", field="price_min")
    ranking = similar(
        services.database,
        sku,
        k=query.k,
        filters=Filter(query.category, query.price_min, query.price_max, query.in_stock),
        weights=Weights(text=query.w_text, image=query.w_image),
        exact=query.exact,
        space=query.space,
    )
    return Answer(as_ranking(ranking, "similar"))


def as_ranking(ranking: Ranking, source: str) -> RankingAnswer:
    """A ranking as it is answered."""
    return RankingAnswer(
        recommendation_id=None,
        items=[HitAnswer.model_validate(hit) for hit in ranking.items],
        next_cursor=None,
        source=source,
        search=SearchAnswer(mode=ranking.mode, complete=ranking.complete),
        space=ranking.space,
    )
