"""Why a product is in a list or not, as it is answered."""

from typing import Annotated, Literal

from pydantic import Field

from backend.api.recommendation_types import Source
from backend.api.types import Answered


class ModalityPart(Answered):
    """How near a product is to an example in one modality."""

    weight: Annotated[float, Field(description="What the modality counts in the query.")]
    cosine: Annotated[float | None, Field(description="Null where one of the two lacks it.")]


class ExampleReason(Answered):
    """One example of the query against the product."""

    like: Annotated[int | None, Field(description="Place among the likes, from 0.")] = None
    unlike: Annotated[int | None, Field(description="Place among the unlikes, from 0.")] = None
    sku: Annotated[str | None, Field(description="Null for a text, an image or a vector.")]
    weight: float
    contribution: Annotated[float | None, Field(description="Its part in the score.")]
    modalities: dict[str, ModalityPart]


class AbsenceReason(Answered):
    """One reason why a product is not in the list."""

    reason: Literal["not_embedded", "example", "excluded", "too_new", "filter", "rule", "variant", "threshold", "rank"]
    detail: str
    path: Annotated[str | None, Field(description="The leaf of the filter that it fails.")]
    rule: Annotated[str | None, Field(description="The rule that hides it.")]


class ExplanationAnswer(Answered):
    """A product's place in a list."""

    recommendation_id: str
    sku: str
    title: str
    listed: Annotated[bool, Field(description="Whether a page shows it.")]
    position: Annotated[int | None, Field(description="Place in the list, from 1; null when it is not in it.")]
    source: Source | None
    score: Annotated[float | None, Field(description="Null when nothing can be compared.")]
    last_score: Annotated[float | None, Field(description="Score of the last product of the list.")]
    contributions: dict[str, float]
    rules: Annotated[dict[str, float], Field(description="The contributions of rules, by their names.")]
    examples: list[ExampleReason]
    reasons: Annotated[list[AbsenceReason], Field(description="Why no page shows it; empty when one does.")]
