"""What is like these and unlike those, over HTTP, and the pages that follow."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from backend.api.answers import Answer
from backend.api.paged import as_body, read_later_page
from backend.api.problems import Problem, from_error, from_validation
from backend.api.recommendation_explanation import ExplanationAnswer
from backend.api.recommendation_types import Count, RecommendationAnswer, RecommendationBody
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Body, Query
from backend.errors import (
    Conflict,
    EmbeddingFailed,
    EmbeddingPending,
    Expired,
    InvalidCursor,
    InvalidInput,
    NoExamples,
    NotFound,
    NotReady,
    ShelfmateError,
    UnreadableImage,
)
from backend.recommend import examples, frozen, people
from backend.recommend.reasons import PERSONAL, SHELVES
from backend.recommend.shelves import kind_of
from backend.spaces.answering import require_answering

routes = Routes("Recommendations")

MOST_QUERIES = 100
# What the queries of a batch may ask for together, so that one request takes seconds and not minutes.
MOST_PRODUCTS = 10_000
MOST_ENCODED = 200
KIND = "recommendation"

_ASKED = [NotFound, EmbeddingPending, EmbeddingFailed, NoExamples, UnreadableImage, NotReady, Conflict]


class PageQuery(Query):
    """Which page of a list."""

    cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None
    k: Annotated[Count | None, Field(description="Items of the page; as many as the first page had by default.")] = None


@routes.add("POST", "/v1/recommendations", {200: RecommendationAnswer}, problems=_ASKED, scope="read")
def recommend(services: Services, body: RecommendationBody) -> Answer:
    """Find products like these and unlike those, or for a person, or for a session.

    The list is kept for a while: next_cursor leads through it without repeats or gaps, whatever changes meanwhile.
    """
    (answer,) = _recommend(services, [body])
    if isinstance(answer, ShelfmateError):
        raise answer
    return Answer(answer)


def _keep_misshapen(value: object, validate: ValidatorFunctionWrapHandler) -> RecommendationBody | Problem:
    try:
        body: RecommendationBody = validate(value)
    except ValidationError as error:
        return from_validation(error, list(RecommendationBody.model_fields))
    except InvalidInput as error:
        return from_error(error)
    return body


class BatchBody(Body):
    """Queries that have nothing to do with each other."""

    items: Annotated[
        list[Annotated[RecommendationBody, WrapValidator(_keep_misshapen)]], Field(max_length=MOST_QUERIES)
    ]


class BatchResult(Answered):
    """The answer to one query, or why there is none."""

    recommendation: RecommendationAnswer | None
    problem: Problem | None


class BatchAnswer(Answered):
    """A result for each query, in the same order."""

    items: list[BatchResult]


@routes.add("POST", "/v1/recommendations:batch", {200: BatchAnswer}, scope="read")
def recommend_batch(services: Services, body: BatchBody) -> Answer:
    """Answer many queries. One that is refused costs the others nothing.

    All together may ask for 10,000 products, and have 200 texts and images.
    """
    asked: list[RecommendationBody | Problem] = list(body.items)
    queries = [item for item in asked if isinstance(item, RecommendationBody)]
    if sum(query.k for query in queries) > MOST_PRODUCTS:
        raise InvalidInput(f"ask for more than {MOST_PRODUCTS:,} products in all: send several requests", field="items")
    if sum(example.is_encoded for query in queries for example in (*query.like, *query.unlike)) > MOST_ENCODED:
        raise InvalidInput(f"have more than {MOST_ENCODED} texts and images: send several requests", field="items")
    answers = iter(_recommend(services, queries))
    results = [_as_result(item if isinstance(item, Problem) else next(answers)) for item in asked]
    return Answer(b'{"items":[' + b",".join(results) + b"]}")


@routes.add(
    "GET",
    "/v1/recommendations/{recommendation_id}",
    {200: RecommendationAnswer},
    problems=[NotFound, Expired, InvalidCursor],
)
def show_recommendation(services: Services, recommendation_id: str, query: PageQuery) -> Answer:
    """Get a page of a list: the first one again, or the one that a cursor leads to.

    Products that are gone, hidden or no longer match its filter are left out; the others keep their order.
    """
    list_id = _list_id(recommendation_id)
    if query.cursor is None:
        page = frozen.read_page(services.database, list_id, k=query.k)
    else:
        page = read_later_page(services, query.cursor, list_id=list_id, k=query.k)
    return Answer(as_body(services, page, page.kind, page.query))


@routes.add(
    "GET",
    "/v1/recommendations/{recommendation_id}/explain/{sku}",
    {200: ExplanationAnswer},
    problems=[NotFound, Expired, Conflict],
)
def explain_recommendation(services: Services, recommendation_id: str, sku: str) -> Answer:
    """Say why a product stands where it does in a list by examples, or why it does not."""
    kind = kind_of(services.database, _list_id(recommendation_id))
    if kind in (*PERSONAL, *SHELVES):
        raise Conflict("is of a list without examples: the reason of each of its items says why it is there")
    return Answer(frozen.explain(services.database, _list_id(recommendation_id), sku).encode())


def _recommend(services: Services, bodies: Sequence[RecommendationBody]) -> list[bytes | ShelfmateError]:
    refused = _refused_spaces(services, {body.space for body in bodies if body.space is not None})
    asked = [body.to_request() for body in bodies if body.space not in refused and not body.is_personal]
    resolved = iter(examples.resolve(services.database, services.embedder, asked))
    answers: list[bytes | ShelfmateError] = []
    for body in bodies:
        try:
            if body.space in refused:
                raise refused[body.space]
            answers.append(_personal(services, body) if body.is_personal else _by_examples(services, next(resolved)))
        except ShelfmateError as error:
            if error.status >= 500:
                raise
            answers.append(error)
    return answers


def _personal(services: Services, body: RecommendationBody) -> bytes:
    seconds = services.settings.recommendation_ttl
    if body.user is not None:
        page = people.recommend_for_user(services.database, body.user, body.to_personal(), seconds=seconds)
        return as_body(services, page, "user", {})
    done = [item.model_dump(mode="json", exclude_none=True) for item in body.session or []]
    try:
        page = people.recommend_for_session(services.database, done, body.to_personal(), seconds=seconds)
    except InvalidInput as error:
        raise InvalidInput(str(error), field=(error.field or "").replace("events[", "session[") or None) from error
    return as_body(services, page, "session", {})


def _by_examples(services: Services, query: frozen.Json | ShelfmateError) -> bytes:
    if isinstance(query, ShelfmateError):
        raise query
    _require_examples(query)
    page = frozen.recommend(services.database, query, kind=KIND, seconds=services.settings.recommendation_ttl)
    return as_body(services, page, KIND, query)


def _refused_spaces(services: Services, names: set[str]) -> dict[str | None, ShelfmateError]:
    """Why spaces do not answer, by name."""
    refused: dict[str | None, ShelfmateError] = {}
    for name in names:
        try:
            require_answering(services.database, name)
        except (InvalidInput, NotReady, Conflict) as error:
            refused[name] = error
    return refused


def _require_examples(query: frozen.Json) -> None:
    if not query.get("like") and not query.get("unlike") and not query.get("fallback"):
        raise NoExamples(
            "needs an example, a product, text, image or vector; for what is popular without any, set fallback to true",
            field="like",
        )


def _as_result(answer: bytes | ShelfmateError | Problem) -> bytes:
    if isinstance(answer, bytes):
        return b'{"recommendation":' + answer + b',"problem":null}'
    problem = from_error(answer) if isinstance(answer, ShelfmateError) else answer
    return b'{"recommendation":null,"problem":' + problem.model_dump_json().encode() + b"}"


def _list_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"no recommendation {text}") from error
