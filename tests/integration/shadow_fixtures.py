"""Spaces beside the active one."""

from collections.abc import Callable

from backend.database.connection import Database
from backend.spaces.recipe import Recipe
from backend.spaces.space import insert_space

# Half the length of the default space's blocks, and mostly text: it answers otherwise.
OTHER = Recipe(text="hashing:32", image="hashing:32", text_weight=0.9, image_weight=0.1)


def building_space(database: Database, name: str, recipe: Recipe = OTHER) -> None:
    """A space that nobody fills yet."""
    with database.write() as connection:
        insert_space(connection, name, recipe)


def shadow_space(database: Database, drain: Callable[[], int], name: str, recipe: Recipe = OTHER) -> None:
    """A space that is filled with all there is."""
    building_space(database, name, recipe)
    drain()
