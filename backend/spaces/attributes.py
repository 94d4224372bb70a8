"""Which attributes of a shop's products are worth a text of their own: those of few values, which it filters by."""

from collections.abc import Sequence
from dataclasses import replace

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import InvalidInput
from backend.spaces.inputs import CHOSEN, split_input, with_attributes
from backend.spaces.recipe import Recipe

SQL = load_queries("fitting")

# Of so many products; half of them have it, with 2 to 16 different texts (docs/decisions/0013). More values are names,
# colours or codes, which tell products apart rather than group them.
SAMPLE = 20_000
LEAST_SHARE = 0.5
MOST_VALUES = 16
MOST_ATTRIBUTES = 8


def choose_attributes(database: Database, recipe: Recipe, only_products: Sequence[int] | None = None) -> Recipe:
    """The recipe with the attributes named that its ``attributes`` stands for; unchanged where it has none.

    ``only_products``: the ids of those that are looked at, all where None.

    Raises:
        InvalidInput: no attribute qualifies, and the recipe has no other text.
    """
    if recipe.text is None or not any(CHOSEN in split_input(part)[0] for part in recipe.text_inputs):
        return recipe
    with database.read() as connection:
        rows = connection.execute(
            SQL["few_valued_attributes"],
            {
                "only": None if only_products is None else list(only_products),
                "sample": SAMPLE,
                "share": LEAST_SHARE,
                "most_values": MOST_VALUES,
                "most": MOST_ATTRIBUTES,
            },
        ).fetchall()
    inputs = with_attributes(recipe.text_inputs, [name for (name,) in rows])
    if not inputs:
        raise InvalidInput(
            f"no attribute has 2 to {MOST_VALUES} values over half of the products: name one, attributes.NAME",
            field="text_inputs",
        )
    return replace(recipe, text_inputs=inputs)
