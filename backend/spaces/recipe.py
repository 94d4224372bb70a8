"""Recipes: everything that decides a space's vectors, by name or option by option."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from backend.encoders.registry import needs_fitting
from backend.errors import InvalidInput
from backend.spaces.inputs import parse_text_inputs
from backend.spaces.models import Modality
from backend.spaces.weighing import weigh

PROJECTIONS = ("pca", "half-whitened", "svd", "learned")
KERNELS = ("cosine", "linear")
PROJECTION = re.compile(rf"(?:{'|'.join(PROJECTIONS)})(?::[1-9][0-9]{{0,3}})?")
# The most dimensions that pgvector indexes of a halfvec.
MOST_DIMENSIONS = 4_000


@dataclass(frozen=True)
class Recipe:
    """What a space is to be made of.

    Encoders go by their names in the registry; a projection is written METHOD or METHOD:DIMENSIONS. Weights add up to
    1, that of a missing modality is 0. ``name`` is that of the named recipe it came from, None where one was changed.
    """

    text: str | None
    image: str | None
    text_inputs: tuple[str, ...] = ("title",)
    text_projection: str | None = None
    image_projection: str | None = None
    text_weight: float = 0.5
    image_weight: float = 0.5
    kernel: str = "cosine"
    name: str | None = None
    reviews: str | None = None
    reviews_projection: str | None = None
    reviews_weight: float = 0.0

    @property
    def encoders(self) -> dict[Modality, str | None]:
        """The encoder of each modality, in the order of the blocks."""
        return {"text": self.text, "image": self.image, "reviews": self.reviews}

    @property
    def projections(self) -> dict[Modality, str | None]:
        """The projection of each modality."""
        return {
            "text": self.text_projection,
            "image": self.image_projection,
            "reviews": self.reviews_projection,
        }

    @property
    def weights(self) -> dict[Modality, float]:
        """The weight of each modality."""
        return {"text": self.text_weight, "image": self.image_weight, "reviews": self.reviews_weight}

    @property
    def needs_fitting(self) -> bool:
        """Whether something of it learns from the catalogue before the first product is embedded."""
        return (
            self.kernel == "linear"
            or any(projection is not None for projection in self.projections.values())
            or any(encoder is not None and needs_fitting(encoder) for encoder in (self.text, self.reviews))
        )

    def to_plan(self) -> dict[str, Any]:
        """Itself as JSON, for ``space_plans``."""
        return asdict(self) | {"text_inputs": list(self.text_inputs)}


def check_dimensions(text: int, image: int, reviews: int = 0) -> None:
    """Refuse blocks that no index takes together.

    Raises:
        InvalidInput: they are longer than pgvector's HNSW takes of a halfvec.
    """
    if text + image + reviews > MOST_DIMENSIONS:
        names, sizes = ("text and image", f"{text:,} + {image:,}")
        if reviews:
            names, sizes = "text, image and reviews", f"{sizes} + {reviews:,}"
        raise InvalidInput(
            f"{names} have {sizes} dimensions together, and pgvector indexes up to "
            f"{MOST_DIMENSIONS:,}: shorten one by a projection, such as image=pca:512",
            field="projection",
        )


def from_plan(plan: Mapping[str, Any]) -> Recipe:
    """The recipe that ``Recipe.to_plan`` gave."""
    return Recipe(**{**plan, "text_inputs": tuple(plan["text_inputs"])})


PLAIN = Recipe(text="minilm", image="efficientnet-lite0", name="plain")
# Of the description 200 characters: they measure as the whole of it, at half the cost. The variants of a product mostly
# have one price, which tells them from all else of its brand and kind (docs/decisions/0013).
TEXTS = ("title", "title+description:200", "attributes", "price")

DEFAULT = replace(
    PLAIN,
    text_inputs=TEXTS,
    text_projection="learned:160",
    image_projection="learned:128",
    text_weight=0.6,
    image_weight=0.4,
    name="default",
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        DEFAULT,
        PLAIN,
        Recipe(
            text="sentence-transformer:stsb-distilbert-base",
            image="resnet50",
            text_projection="pca:128",
            name="sbert-resnet50",
        ),
        # The default one, and what people say of a product.
        replace(
            DEFAULT,
            text_weight=0.5,
            image_weight=0.3,
            reviews="minilm",
            reviews_projection="pca:64",
            reviews_weight=0.2,
            name="reviewed",
        ),
        Recipe(text="tfidf?dimensions=256", image="densenet121", name="densenet-tfidf"),
        Recipe(text="tfidf?dimensions=256", image="vgg16?pooling=max", name="vgg-tfidf"),
        Recipe(text="distilbert?pooling=mean", image="resnet50", name="distilbert-resnet50"),
    )
    if recipe.name is not None
}


def named_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        InvalidInput: there is none; the message lists those there are.
    """
    try:
        return RECIPES[name]
    except KeyError:
        raise InvalidInput(
            f"there is no recipe {name!r}; there are {', '.join(sorted(RECIPES))}", field="recipe"
        ) from None


def choose_recipe(
    *,
    recipe: str | None = None,
    text: str | None = None,
    text_inputs: str | None = None,
    image: str | None = None,
    reviews: str | None = None,
    projections: Sequence[str] = (),
    weights: str | None = None,
    kernel: str | None = None,
) -> Recipe:
    """A recipe from options as people write them; the empty text or ``none`` leaves a modality or projection out.

    Without encoders it begins as the named recipe, ``default`` when none is named; with encoders it has what is given
    and nothing else. ``projections`` are METHOD[:DIMENSIONS] for every modality, or text=..., image=... and reviews=...
    apart; ``weights`` is such as ``text=.5,image=.3,reviews=.2``, equal where modalities change and none are given.

    Raises:
        InvalidInput: an option cannot be read, or they do not fit together; its field is named.
    """
    if recipe is not None or (text is None and image is None and reviews is None):
        begun = named_recipe(recipe or "default")
        chosen = replace(
            begun,
            text=begun.text if text is None else _present(text),
            image=begun.image if image is None else _present(image),
            reviews=begun.reviews if reviews is None else _present(reviews),
        )
        chosen = replace(
            chosen,
            text_projection=chosen.text_projection if chosen.text else None,
            image_projection=chosen.image_projection if chosen.image else None,
            reviews_projection=chosen.reviews_projection if chosen.reviews else None,
        )
    else:
        begun = chosen = Recipe(text=_present(text), image=_present(image), reviews=_present(reviews))
    if not any(chosen.encoders.values()):
        raise InvalidInput("a space needs a text or an image encoder, or one of reviews", field="text")
    if text_inputs is not None:
        if chosen.text is None:
            raise InvalidInput("texts are named, but no text encoder", field="text_inputs")
        chosen = replace(chosen, text_inputs=parse_text_inputs(text_inputs))
    for projection in projections:
        chosen = _with_projection(chosen, projection)
    if kernel is not None:
        if kernel not in KERNELS:
            raise InvalidInput(f"the kernel is cosine or linear, not {kernel!r}", field="kernel")
        chosen = replace(chosen, kernel=kernel)
    _check_reviews(chosen)
    weighed = weigh([name for name, encoder in chosen.encoders.items() if encoder], begun.weights, weights)
    chosen = replace(
        chosen, text_weight=weighed["text"], image_weight=weighed["image"], reviews_weight=weighed["reviews"]
    )
    return chosen if chosen == begun else replace(chosen, name=None)


def _present(name: str | None) -> str | None:
    return None if name in (None, "", "none") else name


def _check_reviews(recipe: Recipe) -> None:
    if recipe.reviews is not None and recipe.kernel != "cosine":
        raise InvalidInput(
            "a product's reviews are the direction of many vectors, without a length: leave the kernel cosine, or the "
            "reviews out",
            field="kernel",
        )
    if (recipe.reviews_projection or "").startswith("learned"):
        raise InvalidInput(
            "a projection is learned from what products have in common, which single reviews have not: choose "
            "reviews=pca:64, reviews=half-whitened:64 or reviews=svd:64",
            field="projection",
        )


def _with_projection(recipe: Recipe, given: str) -> Recipe:
    modality, equals, method = given.partition("=")
    if not equals:
        modality, method = "", given
    if modality and modality not in recipe.encoders:
        raise InvalidInput(f"{given!r}: projections are of text, image or reviews", field="projection")
    if method != "none" and not PROJECTION.fullmatch(method):
        raise InvalidInput(
            f"there is no projection {method!r}: {', '.join(PROJECTIONS)} or none, with the dimensions after a colon "
            "if you choose them, as in pca:128",
            field="projection",
        )
    present = [name for name, encoder in recipe.encoders.items() if encoder is not None]
    if modality and modality not in present:
        raise InvalidInput(f"{given!r}: the space has no {modality} encoder", field="projection")
    chosen = None if method == "none" else method
    changes = {f"{name}_projection": chosen for name in present if modality in ("", name)}
    return replace(recipe, **changes)  # type: ignore[arg-type]  # the names are those of fields of this type
