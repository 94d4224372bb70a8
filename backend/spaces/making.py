"""Making a space: what its recipe learns is fitted on the catalogue, then the space is created. Workers fill it."""

import time
from collections.abc import Callable

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.encoders.registry import needs_fitting
from backend.errors import ConfigurationError, DatabaseUnavailable, InvalidInput, ShelfmateError, TookTooLong
from backend.spaces.attributes import choose_attributes
from backend.spaces.life import check_name, create_space
from backend.spaces.models import SpaceModel
from backend.spaces.recipe import Recipe, check_dimensions, from_plan
from backend.spaces.space import Space, describe_block, list_spaces

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
        InvalidInput: the name or an encoder does not fit, there are too few products to learn from, or too many
            dimensions.
        Conflict: a space of that name exists, or somebody held the products for a minute.
        ConfigurationError: an encoder cannot be loaded; the message names the remedy.
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
        InvalidInput: there is no such encoder, its weights are not on this machine, or the blocks that no projection
            shortens are too long already; its field is named.
    """
    sizes = []
    for modality, encoder in recipe.encoders.items():
        try:
            # Only encoders of text learn from the catalogue, and how long their rows are is known then.
            is_known = encoder is not None and (modality == "image" or not needs_fitting(encoder))
            size = describe_block(recipe, modality, {})[1] if is_known else 0
        except ConfigurationError as error:
            raise InvalidInput(str(error), field=modality) from error
        sizes.append(0 if recipe.projections[modality] else size)
    check_dimensions(*sizes)


def work_plans(database: Database, report: Callable[[str], None], interrupted: Callable[[], bool]) -> bool:
    """Make the next space that was asked for over HTTP, if any; returns whether there was one.

    One process at a time does so. What an interruption, an outage or a crash leaves over, the next call takes up from
    its start.

    Raises:
        DatabaseUnavailable: the database cannot be used at this moment.
        TookTooLong: it did not answer in time.
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
            except (DatabaseUnavailable, TookTooLong):
                # It says nothing of the plan, which is taken up again.
                raise
            except ShelfmateError as error:
                if interrupted():
                    connection.execute(SQL["put_plan_back"], {"name": name})
                    return True
                report(f"the space {name} was not made: {error}")
                connection.execute(SQL["fail_plan"], {"name": name, "error": str(error)})
                return True
        connection.execute(SQL["end_plan"], {"name": name})
    return True
