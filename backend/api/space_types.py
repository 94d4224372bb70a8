"""What embedding spaces are asked for with and described by."""

from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from backend.api.types import Answered, Attributes, Body, Query, Text, Time
from backend.evaluation.alone import MOST_SAMPLED, SAMPLE
from backend.spaces.models import ModelSummary
from backend.spaces.overview import SpaceReport, Stage
from backend.spaces.plans import Plan
from backend.spaces.recipe import Recipe, choose_recipe

EncoderName = Annotated[Text, Field(max_length=1000, examples=["minilm", "resnet50", "tfidf?dimensions=256"])]
ProjectionName = Annotated[Text, Field(max_length=100, examples=["pca:128", "half-whitened", "learned:160", "none"])]
SpaceName = Annotated[Text, Field(max_length=100, description="a-z, 0-9 and . _ + -", examples=["learned"])]


class ProjectionsBody(Body):
    """What follows the encoders: METHOD or METHOD:DIMENSIONS; none for nothing."""

    text: ProjectionName | None = None
    image: ProjectionName | None = None
    reviews: ProjectionName | None = None


class SpaceWeightsBody(Body):
    """What each modality that the space has counts; only their proportion matters."""

    text: Annotated[FiniteFloat, Field(gt=0, le=1000)] | None = None
    image: Annotated[FiniteFloat, Field(gt=0, le=1000)] | None = None
    reviews: Annotated[FiniteFloat, Field(gt=0, le=1000)] | None = None


class SpaceBody(Body):
    """A space to make: a named recipe, its parts, or a recipe with some of its parts changed."""

    name: SpaceName
    recipe: Annotated[Text | None, Field(description="The recipe to begin with; default when no encoder is named.")] = (
        None
    )
    text: Annotated[EncoderName | None, Field(description="Text encoder; none for no text.")] = None
    text_inputs: Annotated[
        list[Text] | None,
        Field(
            min_length=1,
            max_length=8,
            description=(
                "Texts that are encoded of a product, each apart: title, description, brand, price, attributes.NAME,"
                " joined by +; attributes stands for those of few values."
            ),
            examples=[["title", "title+description:300"]],
        ),
    ] = None
    image: Annotated[EncoderName | None, Field(description="Image encoder; none for no photographs.")] = None
    reviews: Annotated[EncoderName | None, Field(description="Text encoder of the reviews; none for no reviews.")] = (
        None
    )
    projections: ProjectionsBody | None = None
    weights: SpaceWeightsBody | None = None
    kernel: Annotated[Literal["cosine", "linear"] | None, Field(description="linear: vectors keep their length.")] = (
        None
    )

    def to_recipe(self) -> Recipe:
        """The recipe that is meant.

        Raises:
            InvalidInput: a part cannot be read, or they do not fit together; its field is named.
        """
        projections = {} if self.projections is None else self.projections.model_dump(exclude_none=True)
        given = {} if self.weights is None else self.weights.model_dump(exclude_none=True)
        weights = None if self.weights is None else ",".join(f"{name}={value}" for name, value in given.items())
        return choose_recipe(
            recipe=self.recipe,
            text=self.text,
            text_inputs=None if self.text_inputs is None else ",".join(self.text_inputs),
            image=self.image,
            reviews=self.reviews,
            projections=[f"{modality}={method}" for modality, method in projections.items()],
            weights=weights,
            kernel=self.kernel,
        )


class ForceBody(Body):
    """Whether to go ahead where a space is not filled, or lacks products."""

    force: bool = False


class ComparisonQuery(Query):
    """What to compare with, and how thoroughly."""

    with_: Annotated[Text, Field(alias="with", description="The other space.")]
    sample: Annotated[
        int, Field(ge=1, le=MOST_SAMPLED, description="Products that are asked for; 10 take about a second.")
    ] = SAMPLE
    k: Annotated[int, Field(ge=1, le=100)] = 10


class SpaceIndexAnswer(Answered):
    """An HNSW index that the space is to have."""

    name: str
    column: Annotated[
        Literal["fused", "text", "image", "reviews", "embedding"],
        Field(description="embedding is of single reviews, for the search inside them."),
    ]
    whole: Annotated[bool, Field(description="Whether it answers.")]
    built: Annotated[float | None, Field(description="How far its building is, 0 to 1; null while nobody builds it.")]
    bytes: int


class SpaceFillAnswer(Answered):
    """How far a space is filled."""

    products: Annotated[int, Field(description="Of the catalogue.")]
    embedded: Annotated[int, Field(description="Those that have vectors.")]
    waiting: int
    dead: int
    share: Annotated[float, Field(description="Embedded products among all, 0 to 1.")]
    per_second: Annotated[float, Field(description="Products embedded in a second, over the last minute.")]
    seconds_left: Annotated[float | None, Field(description="At this rate; null when nothing is left, or unknown.")]


class SpaceModelAnswer(Answered):
    """An encoder or projection that was fitted for the space and is stored with it."""

    modality: Literal["text", "image", "reviews"]
    part: Literal["encoder", "projection"]
    method: str
    input_dimensions: int
    output_dimensions: int
    bytes: int
    report: Annotated[Attributes, Field(description="What it was fitted on, and how it measured.")]


class SpaceAnswer(Answered):
    """An embedding space. Sizes are in bytes."""

    name: str
    state: Literal["building", "shadow", "active", "retired"]
    stage: Annotated[
        Stage,
        Field(description="What it does: waiting for older transactions (waiting_for), filling, indexing."),
    ]
    recipe: str | None
    text_encoder: str | None
    text_inputs: list[str]
    image_encoder: str | None
    reviews_encoder: str | None
    projections: dict[Literal["text", "image", "reviews"], str | None]
    weights: dict[Literal["text", "image", "reviews"], float]
    kernel: Literal["cosine", "linear"]
    dimensions: dict[Literal["text", "image", "reviews"], int]
    previous: Annotated[str | None, Field(description="The space that was active before it.")]
    fill: SpaceFillAnswer
    waiting_for: list[str]
    indexed: Annotated[bool, Field(description="Whether an index answers; else every product is compared.")]
    indexes: list[SpaceIndexAnswer]
    bytes: Annotated[int, Field(description="Of all of it, indexes included.")]
    index_bytes: Annotated[int, Field(description="Of its HNSW indexes.")]
    models: list[SpaceModelAnswer]
    created_at: Time | None
    activated_at: Time | None
    filled_at: Time | None


class PlanAnswer(Answered):
    """A space that was asked for: a worker fits what it needs, and makes it."""

    name: str
    state: Literal["waiting", "fitting", "failed"]
    progress: str | None
    error: str | None
    recipe: Annotated[dict[str, Any], Field(description="Its parts.")]
    requested_at: Time
    started_at: Time | None


class SpacesAnswer(Answered):
    """All spaces, oldest first, and what was asked for and is not there yet."""

    items: list[SpaceAnswer]
    plans: list[PlanAnswer]


class ComparisonAnswer(Answered):
    """Two spaces side by side; differences are the second less the first."""

    comparison: Annotated[dict[str, Any], Field(description="Every figure, with its bootstrap interval.")]
    head: list[str]
    rows: Annotated[list[list[str]], Field(description="The same for people.")]


def as_space(report: SpaceReport) -> SpaceAnswer:
    """A space as it is answered."""
    space, fill = report.space, report.fill
    modalities: tuple[Literal["text", "image", "reviews"], ...] = ("text", "image", "reviews")
    return SpaceAnswer.model_validate(
        {
            **{name: value for name, value in vars(space).items() if name in SpaceAnswer.model_fields},
            "stage": report.stage,
            "projections": {
                "text": space.text_projection,
                "image": space.image_projection,
                "reviews": space.reviews_projection,
            },
            "weights": dict(zip(modalities, space.weights, strict=True)),
            "dimensions": dict(zip(modalities, space.dimensions, strict=True)),
            "previous": report.previous,
            "fill": {
                **{name: getattr(fill, name) for name in ("products", "embedded", "waiting", "dead", "share")},
                "per_second": report.per_second,
                "seconds_left": report.seconds_left,
            },
            "waiting_for": [str(blocker) for blocker in report.watched.blockers],
            "indexed": fill.indexed,
            "indexes": list(report.watched.indexes),
            "bytes": report.watched.bytes,
            "index_bytes": report.index_bytes,
            "models": [as_model(model) for model in report.models],
        }
    )


def as_model(model: ModelSummary) -> SpaceModelAnswer:
    """What was fitted, as it is answered."""
    return SpaceModelAnswer.model_validate(model)


def as_plan(plan: Plan) -> PlanAnswer:
    """A plan as it is answered."""
    return PlanAnswer.model_validate(vars(plan) | {"recipe": plan.recipe.to_plan()})
