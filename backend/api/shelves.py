"""What is popular, trending, new, bought together with a product, or like it and better reviewed, over HTTP."""

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from backend.api.answers import Answer
from backend.api.paged import as_body, read_later_page
from backend.api.recommendation_types import Count, RecommendationAnswer
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
from backend.recommend import frozen, shelves
from backend.recommend.ranking import Filter
from backend.recommend.shelves import BETTER, ShelfKind
from backend.spaces.answering import require_answering

routes = Routes("Recommendations")

_PAGING = {"cursor", "k"}
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}

Window = Annotated[
    str,
    Field(pattern=r"^[1-9][0-9]{0,3}[dw]$", description="Whole days or weeks, such as 7d or 4w.", examples=["7d"]),
]
HalfLife = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,5}(\.[0-9]{1,3})?[hdw]$",
        description="Hours, days or weeks after which what was done counts half, such as 36h or 2d.",
        examples=["2d"],
    ),
]


class ListQuery(Query):
    """How many, and which."""

    k: Count = frozen.DEFAULT_HITS
    category: Annotated[Text | None, Field(description="Takes the category and all below it.")] = None
    price_min: Annotated[AmountInQuery | None, Field(description="Inclusive.")] = None
    price_max: Annotated[AmountInQuery | None, Field(description="Inclusive.")] = None
    in_stock: bool | None = None
    rules: Annotated[bool, Field(description="Whether the shop's rules hide, and where they do, pin.")] = True
    placement: Annotated[Text | None, Field(description="Where it is shown, for the rules of that place.")] = None
    cursor: Annotated[
        str | None, Field(description="next_cursor of the page before; other parameters may be left out with it.")
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.price_min is not None and self.price_max is not None and self.price_min > self.price_max:
            raise ValueError("price_min is above price_max")
        return self

    @property
    def filters(self) -> Filter:
        """The filters among the parameters."""
        return Filter(self.category, self.price_min, self.price_max, self.in_stock)

    @property
    def given(self) -> set[str]:
        """The parameters that say which list it is."""
        return self.model_fields_set - _PAGING

    def to_query(self) -> frozen.Json:
        """The members that all lists have."""
        asked: frozen.Json = {"k": self.k, **self.filters.query}
        if not self.rules:
            asked["rules"] = False
        if self.placement is not None:
            asked["placement"] = self.placement
        return asked


class WindowQuery(ListQuery):
    """How many, which, and of what time."""

    window: Window | None = None
    half_life: HalfLife | None = None

    def to_query(self) -> frozen.Json:
        """The same with the times in days."""
        times: frozen.Json = {} if self.window is None else {"days": int(days_of(self.window, "window"))}
        if self.half_life is not None:
            times["half_life"] = days_of(self.half_life, "half_life")
        return super().to_query() | times


class TogetherQuery(ListQuery):
    """How many, which, and of what time."""

    window: Window | None = None

    def to_query(self) -> frozen.Json:
        """The same with the time in days."""
        return super().to_query() | ({} if self.window is None else {"days": int(days_of(self.window, "window"))})


class BetterQuery(ListQuery):
    """How many, which, and by which space."""

    space: Annotated[Text | None, Field(description="A shadow space to try; the active one by default.")] = None

    def to_query(self) -> frozen.Json:
        """The same with the space."""
        return super().to_query() | ({} if self.space is None else {"space": self.space})


_LIST = {200: RecommendationAnswer}
_REFUSED = [Expired, InvalidCursor]


@routes.add("GET", "/v1/popular", _LIST, problems=_REFUSED)
def list_popular(services: Services, query: WindowQuery) -> Answer:
    """List what most people bought, put into a cart, liked, clicked, viewed and rated well.

    Without window and half_life: of the last 90 days, each counting the same, with all reviews.
    """
    return _listed(services, "popular", query.to_query(), query)


@routes.add("GET", "/v1/trending", _LIST, problems=_REFUSED)
def list_trending(services: Services, query: WindowQuery) -> Answer:
    """List what people want more than they usually do: within window (7d), half counted after half_life (2d)."""
    return _listed(services, "trending", query.to_query(), query)


@routes.add("GET", "/v1/newest", _LIST, problems=_REFUSED)
def list_newest(services: Services, query: ListQuery) -> Answer:
    """List the newest products first."""
    return _listed(services, "newest", query.to_query(), query)


@routes.add("GET", "/v1/products/{sku}/bought-together", _LIST, problems=[NotFound, *_REFUSED])
def list_bought_together(services: Services, sku: str, query: TogetherQuery) -> Answer:
    """List what those who bought or rated a product have besides, within window (104w)."""
    return _listed(services, "bought-together", query.to_query() | {"sku": sku}, query)


@routes.add(
    "GET",
    "/v1/products/{sku}/better-reviewed",
    _LIST,
    problems=[NotFound, EmbeddingPending, EmbeddingFailed, NotReady, Conflict, *_REFUSED],
)
def list_better_reviewed(services: Services, sku: str, query: BetterQuery) -> Answer:
    """Find the products most like one whose Bayesian mean of stars is higher; best likeness first."""
    if query.space is not None:
        require_answering(services.database, query.space)
    asked = query.to_query()
    if query.cursor is not None:
        page = read_later_page(services, query.cursor, k=_k(query))
        # What is better is asked again for each list, as the ratings of then have it.
        own = page.query["filter"]["all"][0] if page.kind == BETTER else None
        asked |= {"like": [{"sku": sku}], "filter": {"all": [own, *([asked["filter"]] if "filter" in asked else [])]}}
        _require_same(page, BETTER, asked, query, ("like",))
        return Answer(as_body(services, page, BETTER, page.query))
    with_filters = query.filters
    try:
        page_one = shelves.better_reviewed(services.database, sku, asked, seconds=services.settings.recommendation_ttl)
    except InvalidInput as error:
        raise with_filters.blame(error) from error
    return Answer(as_body(services, page_one, BETTER, {"like": [{"sku": sku}]}))


def days_of(duration: str, field: str) -> float:
    """How many days a duration such as 36h, 7d or 4w has.

    Raises:
        InvalidInput: it has none, or more than ten years.
    """
    found = re.fullmatch(r"([0-9.]+)([hdw])", duration)
    assert found is not None, "its type has the pattern"
    days = float(found[1]) * _DAYS[found[2]]
    if not 0 < days <= 3650:
        raise InvalidInput(f"{field} is {duration}, but must be above 0 and at most 3650d", field=field)
    return days


def _listed(services: Services, kind: ShelfKind, asked: frozen.Json, query: ListQuery) -> Answer:
    if query.cursor is not None:
        page = read_later_page(services, query.cursor, k=_k(query))
        _require_same(page, kind, asked, query, ("sku",))
        return Answer(as_body(services, page, kind, asked))
    filters = query.filters
    try:
        first = shelves.show(services.database, kind, asked, seconds=services.settings.recommendation_ttl)
    except InvalidInput as error:
        if error.field == "days":
            raise InvalidInput("must be between 1 and 3650 days", field="window") from error
        raise filters.blame(error) from error
    return Answer(as_body(services, first, kind, asked))


def _k(query: ListQuery) -> int | None:
    return query.k if "k" in query.model_fields_set else None


def _require_same(
    page: frozen.LaterPage, kind: str, asked: frozen.Json, query: ListQuery, own: tuple[str, ...]
) -> None:
    """Refuse a cursor of another list: of another kind or product, or asked with other parameters."""
    same = page.kind == kind and all(page.query.get(name) == asked.get(name) for name in own)
    if not same or (query.given and page.query != asked | {"k": page.query["k"]}):
        raise InvalidCursor("is of a list with another product or other parameters", field="cursor")
