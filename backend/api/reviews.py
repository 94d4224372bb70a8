"""Reviews over HTTP."""

from typing import Annotated

from pydantic import Field

from backend.api.answers import Answer
from backend.api.products import product_path
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Body, Query, Text, Time, TimeInBody
from backend.catalog import reviews
from backend.errors import Conflict, NotFound

routes = Routes("Reviews")


class ReviewBody(Body):
    """What somebody wrote of a product."""

    rating: Annotated[int, Field(ge=1, le=5, description="Stars.")]
    title: Text = ""
    body: Text = ""
    author: Annotated[Text | None, Field(description="A name to show.")] = None
    user_id: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="The shop's own key of who wrote it, the same as in events."),
    ] = None
    helpful_votes: Annotated[int, Field(ge=0, lt=2**31)] = 0
    verified: Annotated[bool, Field(description="Whether the writer bought the product.")] = False
    written_at: Annotated[TimeInBody | None, Field(description="RFC 3339, with its offset.")] = None
    source_id: Annotated[
        Text | None, Field(description="The shop's own key; with the same one a review is stored once.")
    ] = None


class ReviewAnswer(Answered):
    """A stored review."""

    id: int
    rating: int
    title: str
    body: str
    author: str | None
    user_id: str | None
    helpful_votes: int
    verified: bool
    written_at: Time | None
    created_at: Time


class ReviewPageAnswer(Answered):
    """A page of reviews; count and mean_rating are of all of them."""

    items: list[ReviewAnswer]
    next_cursor: str | None
    count: int
    mean_rating: float | None


class ReviewQuery(Query):
    """Which reviews to list."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None


@routes.add("POST", "/v1/products/{sku}/reviews", {200: ReviewAnswer, 201: ReviewAnswer}, problems=[NotFound, Conflict])
def add_review(services: Services, sku: str, body: ReviewBody) -> Answer:
    """Store a review. The same one again changes nothing and is answered with 200."""
    data = reviews.ReviewData(**body.model_dump())
    review, created = reviews.add_review(services.database, sku, data)
    answer = ReviewAnswer.model_validate(review)
    return Answer(answer, 201, {"Location": f"{product_path(sku)}/reviews"}) if created else Answer(answer)


@routes.add("GET", "/v1/products/{sku}/reviews", {200: ReviewPageAnswer}, problems=[NotFound])
def list_reviews(services: Services, sku: str, query: ReviewQuery) -> Answer:
    """List the reviews of a product, the last stored first."""
    page = reviews.list_reviews(services.database, sku, limit=query.limit, cursor=query.cursor)
    return Answer(ReviewPageAnswer.model_validate(page))
