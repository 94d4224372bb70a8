"""Recipes: everything that decides a space's vectors, by name or option by option."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from backend.errors import InvalidInput
from backend.spaces.inputs import parse_text_inputs

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

    @property
    def needs_fitting(self) -> bool:
        """Whether something of it learns from the catalogue before the first product is embedded."""
        from backend.encoders.registry import needs_fitting

        return (
            self.kernel == "linear"
            or self.text_projection is not None
            or self.image_projection is not None
            or (self.text is not None and needs_fitting(self.text))
        )

    def to_plan(self) -> dict[str, Any]:
        """Itself as JSON, for ``space_plans``."""
        return asdict(self) | {"text_inputs": list(self.text_inputs)}


def check_dimensions(text: int, image: int) -> None:
    """Refuse blocks that no index takes together.

    Raises:
        InvalidInput: they are longer than pgvector's HNSW takes of a halfvec.
    """
    if text + image > MOST_DIMENSIONS:
        raise InvalidInput(
            f"text and image have {text:,} + {image:,} dimensions together, and pgvector indexes up to "
            f"{MOST_DIMENSIONS:,}: shorten one by a projection, such as image=pca:512",
            field="projection",
        )


def from_plan(plan: Mapping[str, Any]) -> Recipe:
    """The recipe that ``Recipe.to_plan`` gave."""
    return Recipe(**{**plan, "text_inputs": tuple(plan["text_inputs"])})


PLAIN = Recipe(text="minilm", image="efficientnet-lite0", name="plain")
# Of the description 200 characters: they measure as the whole of it, at half the cost (docs/decisions/0013).
THREE_TEXTS = ("title", "title+description:200", "attributes")

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            text="minilm",
            image="efficientnet-lite0",
            text_inputs=THREE_TEXTS,
            text_projection="learned:160",
            image_projection="learned:128",
            text_weight=0.6,
            image_weight=0.4,
            name="default",
        ),
        PLAIN,
        Recipe(
            text="sentence-transformer:stsb-distilbert-base",
            image="resnet50",
            text_projection="pca:128",
            name="sbert-resnet50",
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
    projections: Sequence[str] = (),
    weights: str | None = None,
    kernel: str | None = None,
) -> Recipe:
    """A recipe from options as people write them; the empty text or ``none`` leaves a modality or projection out.

    Without encoders it begins as the named recipe, ``default`` when none is named; with encoders it has what is given
    and nothing else. ``projections`` are METHOD[:DIMENSIONS] for every modality, or text=... and image=... apart;
    ``weights`` is such as ``text=.6,image=.4``.

    Raises:
        InvalidInput: an option cannot be read, or they do not fit together; its field is named.
    """
    if recipe is not None or (text is None and image is None):
        begun = chosen = named_recipe(recipe or "default")
        if text is not None:
            chosen = replace(chosen, text=_present(text))
        if image is not None:
            chosen = replace(chosen, image=_present(image))
        chosen = replace(
            chosen,
            text_projection=chosen.text_projection if chosen.text else None,
            image_projection=chosen.image_projection if chosen.image else None,
        )
    else:
        begun = chosen = Recipe(text=_present(text), image=_present(image))
    if chosen.text is None and chosen.image is None:
        raise InvalidInput("a space needs a text or an image encoder", field="text")
    if text_inputs is not None:
        if chosen.text is None:
            raise InvalidInput("texts are named, but no text encoder", field="text_inputs")
        chosen = replace(chosen, text_inputs=parse_text_inputs(text_inputs))
    for given in projections:
        chosen = _with_projection(chosen, given)
    if kernel is not None:
        if kernel not in KERNELS:
            raise InvalidInput(f"the kernel is cosine or linear, not {kernel!r}", field="kernel")
        chosen = replace(chosen, kernel=kernel)
    chosen = _with_weights(chosen, weights)
    return chosen if chosen == begun else replace(chosen, name=None)


def _present(name: str | None) -> str | None:
    return None if name in (None, "", "none") else name


def _with_projection(recipe: Recipe, given: str) -> Recipe:
    modality, equals, method = given.partition("=")
    if not equals:
        modality, method = "", given
    if modality not in ("", "text", "image"):
        raise InvalidInput(f"{given!r}: projections are of text or image", field="projection")
    if method != "none" and not PROJECTION.fullmatch(method):
        raise InvalidInput(
            f"there is no projection {method!r}: {', '.join(PROJECTIONS)} or none, with the dimensions after a colon "
            "if you choose them, as in pca:128",
            field="projection",
        )
    missing = {"text": recipe.text is None, "image": recipe.image is None}
    if missing.get(modality):
        raise InvalidInput(f"{given!r}: the space has no {modality} encoder", field="projection")
    chosen = None if method == "none" else method
    changes = {f"{name}_projection": chosen for name in missing if modality in ("", name) and not missing[name]}
    return replace(recipe, **changes)  # type: ignore[arg-type]  # the names are those of two fields of this type


def _with_weights(recipe: Recipe, weights: str | None) -> Recipe:
    if recipe.text is None or recipe.image is None:
        if weights is not None:
            raise InvalidInput(
                "weights are between text and image, and the space has one of them only", field="weights"
            )
        return replace(recipe, text_weight=float(recipe.text is not None), image_weight=float(recipe.image is not None))
    if weights is None:
        return recipe
    given: dict[str, float] = {}
    for part in weights.split(","):
        name, _, number = part.strip().partition("=")
        try:
            given[name] = float(number)
        except ValueError:
            given[name] = -1
    if set(given) != {"text", "image"} or not all(0 < value < 1_000_000 for value in given.values()):
        raise InvalidInput(
            f"{weights!r} does not weigh text and image, both above 0: write text=.6,image=.4, or leave an encoder out",
            field="weights",
        )
    total = given["text"] + given["image"]
    text = given["text"] / total
    return replace(recipe, text_weight=text, image_weight=1 - text)
