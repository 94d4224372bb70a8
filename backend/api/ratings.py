"""Predicted stars over HTTP: of reviews that are sent, by a model that was trained before."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from backend.api.answers import Answer
from backend.api.routing import Routes
from backend.api.services import Services
from backend.api.types import Answered, Body, Text, Time
from backend.errors import Busy, Conflict, InvalidInput, NotFound, NotReady, WeightsMissing
from backend.ratings.corpus import Example
from backend.ratings.models import FORMS, Form
from backend.ratings.report import plain, read_report
from backend.ratings.store import list_models, list_reports, read_photographs

routes = Routes("Ratings")

MOST_REVIEWS = 256
# Encoders read some hundred words at most; this is beyond any review, and bounds what a batch holds.
MOST_CHARACTERS = 20_000

Words = Annotated[Text, Field(max_length=MOST_CHARACTERS)]


class UnratedReview(Body):
    """A review whose stars are to be predicted; title or text must say something."""

    title: Words = ""
    text: Words | None = None
    body: Annotated[Words | None, Field(description="Another name of text, as reviews are stored with.")] = None
    sku: Annotated[
        Text | None, Field(description="The product, whose photograph is looked at by a model that reads photographs.")
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> "UnratedReview":
        if self.text is not None and self.body is not None:
            raise ValueError("text and body are two names of the same: give one")
        if not f"{self.title}{self.text or self.body or ''}".strip():
            raise ValueError("says nothing: give a title or a text")
        return self

    def to_example(self, photograph: bytes | None) -> Example:
        """The same as models read it."""
        return Example(product=self.sku or "", title=self.title, text=self.text or self.body or "", image=photograph)


class RatingsBody(Body):
    """Reviews to predict, and by which model."""

    reviews: Annotated[list[UnratedReview], Field(min_length=1, max_length=MOST_REVIEWS)]
    model: Annotated[Text | None, Field(description="Name of the model; without one the one that answers.")] = None


class PredictedRating(Answered):
    """What the model makes of one review."""

    stars: Annotated[int, Field(ge=1, le=5, description="The prediction.")]
    expected: Annotated[float, Field(ge=1, le=5, description="Mean of the probabilities.")]
    probabilities: Annotated[
        list[float], Field(min_length=5, max_length=5, description="Of 1, 2, 3, 4 and 5 stars; they sum to 1.")
    ]


class PredictedRatings(Answered):
    """One prediction a review, in order."""

    model: str
    form: Form
    items: list[PredictedRating]


class RatingMeasures(Answered):
    """How a model did on reviews that it had not seen; docs/ratings.md says what each is."""

    tested: Annotated[int, Field(description="Reviews that were measured on.")]
    accuracy: float
    majority: float
    skill: float
    macro_f1: float
    mae: float
    quadratic_kappa: float
    within_one: float
    ece: float


class RatingModelAnswer(Answered):
    """A trained model."""

    name: str
    form: Literal["fine-tuned", "frozen-mlp", "baseline", "product-ridge"]
    is_default: Annotated[bool, Field(description="Whether it answers where none is named.")]
    fingerprint: Annotated[str, Field(description="SHA-256 of the data that it learnt from.")]
    size: Annotated[int, Field(description="Bytes.")]
    created_at: Time
    measures: Annotated[
        RatingMeasures | None,
        Field(description="Null for product-ridge, which rates products, and where another version measured."),
    ]


class RatingModelsAnswer(Answered):
    """Every model, those that answer first."""

    items: list[RatingModelAnswer]


@routes.add(
    "POST",
    "/v1/ratings:predict",
    {200: PredictedRatings},
    problems=[NotFound, NotReady, Conflict, WeightsMissing, Busy],
    scope="read",
)
def predict_ratings(services: Services, body: RatingsBody) -> Answer:
    """Predict the stars of up to 256 reviews."""
    # Predictions take turns: others are answered by the threads that do not wait for theirs.
    if not services.waiting.acquire(blocking=False):
        raise Busy("as many predictions wait for their turn as may: ask again", retry_after=1)
    try:
        stored, rated = services.rating_models.rate(_examples(services, body), body.model)
    finally:
        services.waiting.release()
    return Answer(
        PredictedRatings(
            model=stored.name,
            form=next(form for form in FORMS if form == stored.form),
            items=[
                PredictedRating(stars=one.stars, expected=one.expected, probabilities=list(one.probabilities))
                for one in rated
            ],
        )
    )


@routes.add("GET", "/v1/ratings/models", {200: RatingModelsAnswer})
def list_rating_models(services: Services) -> Answer:
    """List the trained models with their measures."""
    reports = list_reports(services.database)
    items = []
    for model in list_models(services.database):
        measures = None if model.reads_products else _measures(model.form, reports.get(model.id))
        items.append(
            RatingModelAnswer.model_validate(
                {
                    "name": model.name,
                    "form": model.form,
                    "is_default": model.is_default,
                    "fingerprint": model.fingerprint.hex(),
                    "size": model.size,
                    "created_at": model.created_at,
                    "measures": measures,
                }
            )
        )
    return Answer(RatingModelsAnswer(items=items))


def _examples(services: Services, body: RatingsBody) -> list[Example]:
    skus = [review.sku for review in body.reviews]
    photographs = read_photographs(services.database, {sku for sku in skus if sku is not None})
    for place, sku in enumerate(skus):
        if sku is not None and sku not in photographs:
            raise InvalidInput(f"there is no product {sku}", field=f"reviews[{place}].sku")
    return [review.to_example(None if review.sku is None else photographs[review.sku]) for review in body.reviews]


def _measures(form: str, report: dict[str, Any] | None) -> RatingMeasures | None:
    if report is None:
        # It was trained between the two questions to the database.
        return None
    try:
        found = read_report(report)
    except InvalidInput:
        # The others are listed all the same; the model's own report says what is wrong with it.
        return None
    result = next(result for result in found.forms if result.form == form)
    return RatingMeasures(tested=result.measures.n, ece=result.calibration.ece, **plain(result.measures))
