"""What searches are asked with and answered by."""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from backend.api.filter_types import FilterJson
from backend.api.recommendation_types import Count, SearchAnswer, Weight
from backend.api.types import Amount, Answered, Body, Text
from backend.errors import InvalidInput
from backend.recommend.frozen import DEFAULT_HITS
from backend.recommend.search import LONGEST_TEXT, MOST_FACETS, Mode, Search


class SearchWeights(Body):
    """What counts in the meaning; once one is given, those left out are 0, and without any the space's own hold."""

    text: Weight | None = None
    image: Weight | None = None
    reviews: Weight | None = None


class SearchBody(Body):
    """What is looked for: a text, a photograph or both."""

    text: Annotated[
        Text | None,
        Field(
            max_length=LONGEST_TEXT,
            description='All words count; "a phrase", this or that, and -without are understood.',
            examples=['red "linen shirt" -striped'],
        ),
    ] = None
    image: Annotated[str | None, Field(description="An image file in base64. It is not kept.")] = None
    weights: SearchWeights | None = None
    filter: FilterJson | None = None
    k: Count = DEFAULT_HITS
    mode: Annotated[
        Mode | None,
        Field(
            description="lexical: by the words alone; vector: by the meaning and the photograph alone; hybrid: both. "
            "By default whatever the query has."
        ),
    ] = None
    facets: Annotated[
        list[Text],
        Field(
            max_length=MOST_FACETS,
            description="Count products by these: category, brand, in_stock, price, rating, attributes.NAME.",
        ),
    ] = []
    facets_of: Annotated[
        Literal["filter", "words"],
        Field(description="Count all products that satisfy the filter, or those among them that the words match."),
    ] = "filter"
    exact: Annotated[bool, Field(description="Compare with every product instead of using an index.")] = False
    space: Annotated[Text | None, Field(description="A shadow space to try; the active one by default.")] = None

    def to_search(self) -> Search:
        """The same with the image's bytes.

        Raises:
            InvalidInput: the image is not base64.
        """
        return Search(
            text=self.text,
            image=None if self.image is None else _decode(self.image),
            weights=None if self.weights is None else self.weights.model_dump(exclude_none=True) or None,
            filter=self.filter,
            k=self.k,
            mode=self.mode,
            exact=self.exact,
            space=self.space,
        )


class FoundItem(Answered):
    """One product that was found."""

    sku: str
    title: str
    score: Annotated[float, Field(description="Reciprocal rank fusion: 1 / (60 + rank) from each list.")]
    contributions: Annotated[dict[str, float], Field(description="Of lexical and vector; they add up to the score.")]
    lexical_rank: Annotated[
        int | None, Field(description="Place by words from 1; null beyond 1,000 or without a match.")
    ]
    vector_rank: Annotated[int | None, Field(description="Place by meaning from 1; null beyond the nearest 100 or k.")]
    brand: str | None
    category: str | None
    price: Amount | None
    currency: str | None
    in_stock: bool
    variant_group: str | None


class FoundBy(SearchAnswer):
    """How the list was found."""

    by: Annotated[Mode, Field(description="What counted.")]


class FacetItem(Answered):
    """A value and how many products have it."""

    value: Annotated[
        JsonValue, Field(description="What a filter takes: a text, number, boolean, or a range such as {gte, lt}.")
    ]
    count: int


class FoundAnswer(Answered):
    """What was found, best first."""

    items: list[FoundItem]
    source: Literal["search"] = "search"
    search: FoundBy
    space: Annotated[str | None, Field(description="The embedding space that answered; null by words alone.")]
    matching: Annotated[
        int | None,
        Field(description="How many products the facets count, under the whole filter; null without facets."),
    ]
    facets: Annotated[
        dict[str, list[FacetItem]],
        Field(description="A facet leaves the filter's own conditions on it out: it shows what else could be chosen."),
    ]


def _decode(image: str) -> bytes:
    try:
        return base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(
            "must be the bytes of an image file in base64 (RFC 4648, section 4)", field="image"
        ) from error
