"""A space that people ask for: made at once, or planned where something has to be fitted first."""

from backend.database.connection import Database
from backend.errors import Conflict
from backend.spaces.attributes import choose_attributes
from backend.spaces.life import check_name, create_space
from backend.spaces.making import check_encoders
from backend.spaces.plans import Plan, find_plan, request_plan
from backend.spaces.recipe import Recipe

# Seconds that a request waits for others to let go of what a new space needs.
PATIENCE = 2


def request_space(database: Database, name: str, recipe: Recipe) -> Plan | None:
    """Make a space of this recipe, and return None; or return the plan by which a worker will make it.

    Raises:
        InvalidInput: the name, an encoder or the recipe does not fit; its field is named.
        Conflict: a space or a plan of that name is there already, or the products were held by others all the time.
    """
    check_name(database, name)
    check_encoders(recipe)
    if recipe.needs_fitting:
        return request_plan(database, name, recipe)
    if find_plan(database, name) is not None:
        raise Conflict(f"a space {name} was asked for already: choose another name, or give that one up", field="name")
    create_space(database, name, choose_attributes(database, recipe), patience=PATIENCE)
    return None
