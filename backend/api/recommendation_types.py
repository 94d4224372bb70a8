"""What recommendations are asked with and answered by."""

import base64
import binascii
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from backend.api.filter_types import FilterJson
from backend.api.types import Amount, Answered, Body, Text, TimeInBody
from backend.catalog.events import LONGEST_KEY, Kind
from backend.recommend.examples import Example, Request
from backend.recommend.frozen import DEFAULT_HITS, MOST_HITS
from backend.recommend.people import Personal

MOST_EXAMPLES = 100
MOST_EXCLUDED = 1_000
MOST_DONE = 1_000
LONGEST_TEXT = 10_000
MOST_DIMENSIONS = 4_000

Source = Literal["similar", "pinned", "interest", "bought_together", "discovery", "popular", "trending", "newest"]


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _decoded(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("must be the bytes of an image file in base64 (RFC 4648, section 4)") from error
    return text


# Members that only one way of asking has, and those that both have.
_OF_EXAMPLES = frozenset({"like", "unlike", "strategy", "weights", "score_threshold", "diversity"})
_OF_PEOPLE = frozenset(
    {"user", "session", "exclude_seen", "exclude_bought", "half_life", "interests", "w_popularity", "w_together"}
    | {"discover"}
)
_SHARED = frozenset(
    {"k", "filter", "exclude", "one_per_variant_group", "rules", "placement", "fallback", "exact", "space"}
)

Weight = Annotated[FiniteFloat, Field(ge=0, le=1000)]
Interests = Annotated[
    int, Field(ge=1, le=10, description="At most so many interests are kept apart; 1 is one mean taste.")
]
PopularityWeight = Annotated[Weight, Field(description="Of what many want now, 3 by default; likeness has 1.")]
TogetherWeight = Annotated[Weight, Field(description="Of what others had with the same products, 3 by default.")]
Discover = Annotated[bool, Field(description="One of ten places is for what few had yet and is like what they like.")]
Count = Annotated[int, Field(ge=1, le=MOST_HITS, description="Exactly so many come, or all that match.")]
Sku = Annotated[Text, Field(min_length=1, max_length=200)]
UserId = Annotated[Text, Field(min_length=1, max_length=LONGEST_KEY)]
Words = Annotated[Text, Field(max_length=LONGEST_TEXT), AfterValidator(_not_blank)]
Vector = Annotated[list[FiniteFloat], Field(min_length=1, max_length=MOST_DIMENSIONS)]


class VectorBody(Body):
    """Vectors of an embedding space by modality, of any length above zero; one left out counts nothing."""

    text: Vector | None = None
    image: Vector | None = None
    reviews: Vector | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("needs text, image or reviews")
        return self


class ExampleBody(Body):
    """One of a product, a text, a photograph and vectors."""

    sku: Sku | None = None
    text: Words | None = None
    image: Annotated[str | None, Field(description="An image file in base64.")] = None
    vector: VectorBody | None = None
    weight: Annotated[
        FiniteFloat | None,
        Field(gt=0, le=1000, description="Against the other examples; 1 for a like and 0.5 for an unlike by default."),
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.sku, self.text, self.image, self.vector)) != 1:
            raise ValueError("needs exactly one of sku, text, image and vector")
        if self.image is not None:
            _decoded(self.image)
        return self

    @property
    def is_encoded(self) -> bool:
        """Whether a model has to make its vector."""
        return self.text is not None or self.image is not None

    def to_example(self) -> Example:
        """The same with the image's bytes."""
        return Example(
            sku=self.sku,
            text=self.text,
            image=None if self.image is None else base64.b64decode(self.image),
            vector=None if self.vector is None else self.vector.model_dump(exclude_none=True),
            weight=self.weight,
        )


class WeightsBody(Body):
    """What counts; once one is given, those left out are 0, and without any the space's own hold."""

    text: Weight | None = None
    image: Weight | None = None
    reviews: Weight | None = None


class DoneBody(Body):
    """What somebody did with a product in a session; nothing of it is stored."""

    sku: Sku
    kind: Kind = "view"
    value: Annotated[FiniteFloat | None, Field(description="The stars of a rating, 1 to 5.")] = None
    occurred_at: Annotated[TimeInBody | None, Field(description="RFC 3339, with its offset; now by default.")] = None

    @model_validator(mode="after")
    def _stars(self) -> Self:
        if self.kind == "rating" and (self.value is None or not 1 <= self.value <= 5):
            raise ValueError("a rating needs its stars as value, a number from 1 to 5")
        return self


class RecommendationBody(Body):
    """What is wanted: by examples, for a person, or for a session."""

    user: Annotated[UserId | None, Field(description="For whom: the user_id of what was done.")] = None
    session: Annotated[
        list[DoneBody] | None, Field(max_length=MOST_DONE, description="What was done in a session, in any order.")
    ] = None
    like: Annotated[list[ExampleBody], Field(max_length=MOST_EXAMPLES)] = []
    unlike: Annotated[list[ExampleBody], Field(max_length=MOST_EXAMPLES)] = []
    strategy: Annotated[
        Literal["average", "best_score"],
        Field(description="average: near the middle of the likes; best_score: near any one of them."),
    ] = "average"
    weights: WeightsBody | None = None
    k: Count = DEFAULT_HITS
    filter: FilterJson | None = None
    exclude: Annotated[list[Sku], Field(max_length=MOST_EXCLUDED, description="Products that must not come.")] = []
    score_threshold: Annotated[FiniteFloat | None, Field(description="The least score of what is similar.")] = None
    diversity: Annotated[FiniteFloat, Field(ge=0, le=1, description="0 is off; more spreads the products apart.")] = 0.0
    one_per_variant_group: Annotated[bool, Field(description="The others of a group are in variants.")] = False
    rules: Annotated[bool, Field(description="Whether the shop's rules boost, bury, pin and hide.")] = True
    placement: Annotated[Text | None, Field(description="Where it is shown, for the rules of that place.")] = None
    fallback: Annotated[
        bool, Field(description="Fill up with what is popular, then with what is newest, within the filter.")
    ] = False
    exact: Annotated[bool, Field(description="Compare with every product instead of using an index.")] = False
    space: Annotated[Text | None, Field(description="A shadow space to try; the active one by default.")] = None
    exclude_seen: Annotated[
        bool, Field(description="For a person or session: without whatever they did anything with, ever.")
    ] = True
    exclude_bought: Annotated[
        bool, Field(description="For a person or session: without what they bought or rated, ever.")
    ] = True
    half_life: Annotated[
        FiniteFloat | None, Field(gt=0, le=36_500, description="Days after which what was done counts half.")
    ] = None
    interests: Interests | None = None
    w_popularity: PopularityWeight | None = None
    w_together: TogetherWeight | None = None
    discover: Discover = True

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.user is not None and self.session is not None:
            raise ValueError("takes user or session, not both")
        wrong = sorted(self.model_fields_set & (_OF_EXAMPLES if self.is_personal else _OF_PEOPLE))
        if wrong:
            whom = "examples, and not for a person or session" if self.is_personal else "a person or session"
            raise ValueError(f"{', '.join(wrong)}: only with {whom}; leave that out")
        return self

    @property
    def is_personal(self) -> bool:
        """Whether it is for a person or session."""
        return self.user is not None or self.session is not None

    def to_personal(self) -> Personal:
        """The same for what is recommended to people, who get what is popular where nothing else is known."""
        names = (_SHARED | _OF_PEOPLE - {"user", "session"}) & self.model_fields_set
        return Personal(**{name: getattr(self, name) for name in names if getattr(self, name) is not None})

    def to_request(self) -> Request:
        """The same for the ranking."""
        left_out = {"like", "unlike", "filter", *_OF_PEOPLE}
        query: dict[str, Any] = self.model_dump(exclude=left_out, exclude_defaults=True)
        query["k"] = self.k
        if self.weights is not None:
            query["weights"] = self.weights.model_dump(exclude_none=True)
        if self.filter is not None:
            query["filter"] = self.filter
        return Request(query, [item.to_example() for item in self.like], [item.to_example() for item in self.unlike])


class ExamplePart(Answered):
    """What one example, or one product of a history, has to do with a score."""

    like: Annotated[int | None, Field(description="Place among the likes, from 0.")] = None
    unlike: Annotated[int | None, Field(description="Place among the unlikes, from 0.")] = None
    sku: Annotated[str | None, Field(description="Of a product of the history.")] = None
    title: str | None = None
    contribution: float


class Reason(Answered):
    """Why a product is in a list that starts from a person, or from what is popular."""

    sku: Annotated[str | None, Field(description="The product that led there, where one did.")]
    title: str | None
    text: Annotated[str, Field(description="For people: because you liked Red linen shirt.")]


class RecommendedItem(Answered):
    """One product of a list."""

    sku: str
    title: str
    score: float
    contributions: Annotated[
        dict[str, float],
        Field(description="The part of each modality in the score, and of each rule as rule:NAME; they add up to it."),
    ]
    examples: Annotated[
        list[ExamplePart], Field(description="The part of each example; with the rules they add up to the score.")
    ]
    variants: Annotated[list[str], Field(description="Others of its variant group, when there is one per group.")]
    source: Annotated[Source, Field(description="Why it is in the list.")]
    reason: Annotated[
        Reason | None,
        Field(description="The same for people; of lists by examples, contributions and examples say it."),
    ] = None
    brand: str | None
    category: str | None
    price: Amount | None
    currency: str | None
    in_stock: bool
    variant_group: str | None


class SearchAnswer(Answered):
    """How the list was found."""

    mode: Annotated[Literal["exact", "ann"], Field(description="ann: by an approximate index.")]
    complete: Annotated[bool, Field(description="Whether k came, or all that match.")]


class RecommendationAnswer(Answered):
    """A page of a list, best first."""

    recommendation_id: Annotated[str, Field(description="The list, kept for a while; for events, too.")]
    items: list[RecommendedItem]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
    source: Annotated[
        Literal["similar", "interest", "bought_together", "discovery", "popular", "trending", "newest", "mixed"],
        Field(description="Where the items of the page come from."),
    ]
    search: SearchAnswer
    space: Annotated[str, Field(description="The embedding space that answered.")]
