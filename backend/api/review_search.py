"""Search inside reviews, over HTTP."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from backend.api.answers import Answer
from backend.api.filter_types import FilterJson
from backend.api.recommendation_types import Count, Sku
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Body, Text, Time
from backend.errors import Conflict, InvalidInput, NotFound, NotReady
from backend.recommend import reviews
from backend.recommend.frozen import DEFAULT_HITS
from backend.spaces.answering import require_answering

routes = Routes("Reviews")

Stars = Annotated[int, Field(ge=1, le=5)]


class ReviewSearchBody(Body):
    """What is looked for in reviews."""

    text: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=reviews.MOST_CHARACTERS,
            description='Words or a sentence: "phrase", or, and -without are understood.',
            examples=["runs small at the shoulders"],
        ),
    ]
    k: Count = DEFAULT_HITS
    mode: Annotated[
        Literal["lexical", "hybrid"] | None,
        Field(description="lexical: by the words alone, without a model; by default by the meaning, too."),
    ] = None
    sku: Annotated[Sku | None, Field(description="Only reviews of this product.")] = None
    filter: Annotated[FilterJson | None, Field(description="Of the products whose reviews may come.")] = None
    rating_min: Stars | None = None
    rating_max: Stars | None = None
    space: Annotated[Text | None, Field(description="By whose meaning; it must have a block of reviews.")] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.rating_min is not None and self.rating_max is not None and self.rating_min > self.rating_max:
            raise ValueError("rating_min is above rating_max")
        if self.mode == "lexical" and self.space is not None:
            raise ValueError("space has no part in a search by the words alone: leave it out")
        return self


class FoundReview(Answered):
    """A review that was found."""

    review_id: int
    sku: str
    product_title: str
    rating: int
    title: str
    body: str
    helpful_votes: int
    verified: bool
    written_at: Time | None
    score: Annotated[
        float, Field(description="The likeness of meaning, the rank by words, or 1 / (60 + rank) of both added up.")
    ]


class FoundReviewsAnswer(Answered):
    """What was found, best first."""

    items: list[FoundReview]
    mode: Annotated[
        Literal["words", "exact", "ann"],
        Field(description="words: by the words alone; else how meanings were compared, too: ann by an index."),
    ]


@routes.add(
    "POST", "/v1/reviews:search", {200: FoundReviewsAnswer}, problems=[NotFound, NotReady, Conflict], scope="read"
)
def search_reviews(services: Services, body: ReviewSearchBody) -> Answer:
    """Find reviews by words and by meaning, of one product or of those that satisfy a filter."""
    if body.space is not None and not require_answering(services.database, body.space).reviews_dimensions:
        raise InvalidInput(f"the embedding space {body.space} has no reviews: name another, or none", field="space")
    try:
        found = reviews.search_reviews(
            services.database,
            None if body.mode == "lexical" else services.embedder,
            body.text,
            k=body.k,
            filter=body.filter,
            sku=body.sku,
            rating_min=body.rating_min,
            rating_max=body.rating_max,
            space=body.space,
        )
    except InvalidInput as error:
        raise InvalidInput(str(error), field="text" if error.field == "words" else error.field) from error
    items = [
        FoundReview(
            review_id=hit.review_id,
            sku=hit.sku,
            product_title=hit.title,
            rating=hit.rating,
            title=hit.review_title,
            body=hit.review_body,
            helpful_votes=hit.helpful_votes,
            verified=hit.verified,
            written_at=hit.written_at,
            score=hit.score,
        )
        for hit in found
    ]
    return Answer(FoundReviewsAnswer(items=items, mode=found[0].mode if found else "words"))
