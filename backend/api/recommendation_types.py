"""What recommendations are asked with and answered by."""

import base64
import binascii
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from backend.api.filter_types import FilterJson
from backend.api.types import Amount, Answered, Body, Text
from backend.recommend.examples import Example, Request
from backend.recommend.frozen import DEFAULT_HITS, MOST_HITS

MOST_EXAMPLES = 100
MOST_EXCLUDED = 1_000
LONGEST_TEXT = 10_000
MOST_DIMENSIONS = 4_000

Source = Literal["similar", "pinned", "popular", "newest"]


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


Weight = Annotated[FiniteFloat, Field(ge=0, le=1000)]
Count = Annotated[int, Field(ge=1, le=MOST_HITS, description="Exactly so many come, or all that match.")]
Sku = Annotated[Text, Field(min_length=1, max_length=200)]
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
    text: Annotated[Text | None, Field(max_length=LONGEST_TEXT), AfterValidator(lambda t: t and _not_blank(t))] = None
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


class RecommendationBody(Body):
    """What is wanted."""

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

    def to_request(self) -> Request:
        """The same for the ranking."""
        query: dict[str, Any] = self.model_dump(exclude={"like", "unlike", "filter"}, exclude_defaults=True)
        query["k"] = self.k
        if self.weights is not None:
            query["weights"] = self.weights.model_dump(exclude_none=True)
        if self.filter is not None:
            query["filter"] = self.filter
        return Request(query, [item.to_example() for item in self.like], [item.to_example() for item in self.unlike])


class ExamplePart(Answered):
    """What one example has to do with a score."""

    like: Annotated[int | None, Field(description="Place among the likes, from 0.")] = None
    unlike: Annotated[int | None, Field(description="Place among the unlikes, from 0.")] = None
    contribution: float


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
        Literal["similar", "popular", "newest", "mixed"], Field(description="Where the items of the page come from.")
    ]
    search: SearchAnswer
    space: Annotated[str, Field(description="The embedding space that answered.")]
