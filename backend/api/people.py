"""What is recommended to a person, and that a person is forgotten, over HTTP."""

from typing import Annotated

from pydantic import Field

from backend.api.answers import Answer
from backend.api.event_types import ForgottenAnswer
from backend.api.paged import as_body, read_later_page
from backend.api.recommendation_types import Discover, Interests, PopularityWeight, RecommendationAnswer, TogetherWeight
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.shelves import HalfLife, ListQuery, days_of
from backend.api.types import Text
from backend.errors import Conflict, Expired, InvalidCursor, InvalidInput, NotReady
from backend.recommend import people
from backend.recommend.people import Personal
from backend.spaces.answering import require_answering

routes = Routes("People")


class PersonQuery(ListQuery):
    """How many, which, and what counts."""

    exclude_seen: Annotated[bool, Field(description="Without whatever they did anything with, ever.")] = True
    exclude_bought: Annotated[bool, Field(description="Without what they bought or rated, ever.")] = True
    half_life: HalfLife | None = None
    interests: Interests | None = None
    w_popularity: PopularityWeight | None = None
    w_together: TogetherWeight | None = None
    discover: Discover = True
    one_per_variant_group: bool = False
    fallback: Annotated[
        bool, Field(description="Fill up with what is popular, trending and new where too little is known.")
    ] = True
    exact: Annotated[bool, Field(description="Compare with every product instead of using an index.")] = False
    space: Annotated[Text | None, Field(description="A shadow space to try; the active one by default.")] = None

    def to_personal(self) -> Personal:
        """The same for the ranking."""
        names = {"exclude_seen", "exclude_bought", "interests", "w_popularity", "w_together", "one_per_variant_group"}
        names |= {"discover", "fallback", "exact", "space", "rules", "placement"}
        given = {name: getattr(self, name) for name in names & self.model_fields_set}
        if self.half_life is not None:
            given["half_life"] = days_of(self.half_life, "half_life")
        return Personal(k=self.k, filter=self.filters.query.get("filter"), **given)


@routes.add(
    "GET",
    "/v1/users/{user_id}/recommendations",
    {200: RecommendationAnswer},
    problems=[Expired, InvalidCursor, NotReady, Conflict],
)
def recommend_to_user(services: Services, user_id: str, query: PersonQuery) -> Answer:
    """Recommend to a person, by what they did: several interests are kept apart, and each item says what led to it.

    Somebody unknown gets what is popular, trending and new. POST /v1/recommendations takes user or session with any
    filter.
    """
    if query.cursor is not None:
        if query.given:
            raise InvalidInput("goes with a cursor and k alone: the list is asked already", field=min(query.given))
        page = read_later_page(services, query.cursor, k=query.k if "k" in query.model_fields_set else None)
        if page.kind != "user" or page.query.get("user") != user_id:
            raise InvalidCursor("is of the list of somebody else", field="cursor")
        return Answer(as_body(services, page, "user", page.query))
    if query.space is not None:
        require_answering(services.database, query.space)
    filters = query.filters
    try:
        seconds = services.settings.recommendation_ttl
        first = people.recommend_for_user(services.database, user_id, query.to_personal(), seconds=seconds)
    except InvalidInput as error:
        raise filters.blame(error) from error
    return Answer(as_body(services, first, "user", {}))


@routes.add("DELETE", "/v1/users/{user_id}", {200: ForgottenAnswer})
def forget_user(services: Services, user_id: str) -> Answer:
    """Forget a person: the events go, and reviews keep neither user_id nor author. Of somebody unknown nothing goes."""
    return Answer(ForgottenAnswer.model_validate(people.forget_user(services.database, user_id)))
