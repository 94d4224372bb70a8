"""The admin's form of a new space: a recipe by name, and parts of it in other words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.errors import Conflict, InvalidInput
from backend.spaces.recipe import Recipe, choose_recipe

_TEXTS = (
    *("recipe", "text", "text_inputs", "text_projection", "image", "image_projection"),
    *("reviews", "reviews_projection", "weights", "kernel"),
)


@dataclass
class SpaceForm:
    """What stands in the fields, and what is wrong with it by field ("" for the whole form). An empty part is as the
    recipe has it."""

    name: str = ""
    recipe: str = "default"
    text: str = ""
    text_inputs: str = ""
    text_projection: str = ""
    image: str = ""
    image_projection: str = ""
    reviews: str = ""
    reviews_projection: str = ""
    weights: str = ""
    kernel: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sent(cls, fields: Mapping[str, str]) -> "SpaceForm":
        """The form as it was sent."""
        form = cls(name=fields.get("name", "").strip())
        for name in _TEXTS:
            setattr(form, name, fields.get(name, "").strip())
        return form

    @property
    def is_changed(self) -> bool:
        """Whether a part differs from the recipe, or is wrong."""
        parts = {name for name in _TEXTS if name != "recipe"}
        return any(getattr(self, name) for name in parts) or bool(parts & self.problems.keys())

    def to_recipe(self) -> Recipe:
        """The recipe that is meant.

        Raises:
            InvalidInput: a part cannot be read, or they do not fit together; its field is named.
        """
        projections = (
            ("text", self.text_projection),
            ("image", self.image_projection),
            ("reviews", self.reviews_projection),
        )
        return choose_recipe(
            recipe=self.recipe or None,
            text=self.text or None,
            text_inputs=self.text_inputs or None,
            image=self.image or None,
            reviews=self.reviews or None,
            projections=[f"{modality}={method}" for modality, method in projections if method],
            weights=self.weights or None,
            kernel=self.kernel or None,
        )

    def note(self, error: InvalidInput | Conflict) -> None:
        """Remember what is wrong, to be shown beside the field."""
        message = str(error)
        name = error.field or ""
        if name == "projection":
            image_alone = message.startswith("'image=") or not self.text_projection
            name = "image_projection" if image_alone and self.image_projection else "text_projection"
            if self.reviews_projection and (
                "reviews=" in message or not (self.text_projection or self.image_projection)
            ):
                name = "reviews_projection"
        known = name if name in ("name", *_TEXTS) else ""
        self.problems[known] = message[:1].upper() + message[1:]
