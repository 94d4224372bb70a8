"""Making a space: what its recipe learns is fitted on the catalogue, then the space is created. Workers fill it."""

import time
from collections.abc import Callable

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.encoders.registry import describe_image_encoder, describe_text_encoder, needs_fitting
from backend.errors import ShelfmateError
from backend.spaces.attributes import choose_attributes
from backend.spaces.life import check_name, create_space
from backend.spaces.models import SpaceModel
from backend.spaces.recipe import Recipe, check_dimensions, from_plan
from backend.spaces.space import Space, list_spaces

SQL = load_queries("spaces")

SECONDS_BETWEEN_LINES = 1.0


def make_space(
    database: Database,
    name: str,
    recipe: Recipe,
    report: Callable[[str], None] = lambda _: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Space:
    """Fit what the recipe learns from the catalogue and create the space; ``report`` is told what goes on.

    Raises:
        InvalidInput: the name does not fit, there are too few products to learn from, or too many dimensions.
        Conflict: a space of that name exists, or somebody held the products for a minute.
        ConfigurationError: there is no such encoder, or its weights are missing; the message names the remedy.
    """
    check_name(database, name)
    check_encoders(recipe)
    recipe = choose_attributes(database, recipe)
    models: list[SpaceModel] = []
    if recipe.needs_fitting:
        # Imported here: torch is behind it, which most commands do without.
        from backend.spaces.fitting import fit

        models = fit(database, recipe, report, interrupted)
    report(f"creating the space {name}")
    return create_space(database, name, recipe, models, report=report)


def check_encoders(recipe: Recipe) -> None:
    """Refuse, before anything is fitted, encoders that are not there and more dimensions than can be indexed.

    Raises:
        ConfigurationError: there is no such encoder.
        WeightsMissing: an encoder's weights are not on this machine; the message names the remedy.
        InvalidInput: the blocks that no projection shortens are too long already.
    """
    text = image = reviews = 0
    if recipe.text is not None and not needs_fitting(recipe.text):
        text = describe_text_encoder(recipe.text).dimensions * len(recipe.text_inputs)
    if recipe.image is not None:
        image = describe_image_encoder(recipe.image).dimensions
    if recipe.reviews is not None and not needs_fitting(recipe.reviews):
        reviews = describe_text_encoder(recipe.reviews).dimensions
    check_dimensions(
        0 if recipe.text_projection else text,
        0 if recipe.image_projection else image,
        0 if recipe.reviews_projection else reviews,
    )


def work_plans(database: Database, report: Callable[[str], None], interrupted: Callable[[], bool]) -> bool:
    """Make the next space that was asked for over HTTP, if any; returns whether there was one.

    One process at a time does so. What an interruption or a crash leaves over, the next call takes up from its start.
    """
    with database.alone() as connection:
        locked = connection.execute(SQL["lock_plans"]).fetchone()
        if locked is None or not locked[0]:
            return False
        row = connection.execute(SQL["take_plan"]).fetchone()
        if row is None:
            return False
        name, plan = row
        said = 0.0

        def note(line: str) -> None:
            nonlocal said
            if time.monotonic() - said >= SECONDS_BETWEEN_LINES:
                said = time.monotonic()
                connection.execute(SQL["note_plan"], {"name": name, "progress": line})

        # A worker that was killed between the creation of a space and the end of its plan left this one over.
        if not any(space.name == name for space in list_spaces(database, from_primary=True)):
            report(f"making the space {name}")
            try:
                make_space(database, name, from_plan(plan), note, interrupted)
            except ShelfmateError as error:
                if interrupted():
                    connection.execute(SQL["put_plan_back"], {"name": name})
                    return True
                report(f"the space {name} was not made: {error}")
                connection.execute(SQL["fail_plan"], {"name": name, "error": str(error)})
                return True
        connection.execute(SQL["end_plan"], {"name": name})
    return True
