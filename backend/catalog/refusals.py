"""What the tables refuse, as errors that name the field and say what would be accepted."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from backend.errors import Conflict, InvalidInput, ShelfmateError

# Constraint or index of migrations/sql/0001/tables.sql: the field, and what it must be.
_ACCEPTED = {
    "products_sku_check": (
        "sku",
        "must be 1 to 200 characters, without a slash or control character, and without a space at either end",
    ),
    "products_title_check": ("title", "must not be blank, nor longer than 1000 characters"),
    "products_price_check": ("price", "must not be negative"),
    "products_currency_check": ("currency", "must be three capital letters (ISO 4217), such as EUR"),
    "products_attributes_check": ("attributes", "must be an object of names and values"),
    "products_brand_idx": ("brand", "is too long: give at most 600 characters"),
    "products_variant_group_idx": ("variant_group", "is too long: give at most 600 characters"),
    "categories_path_check": (
        "category",
        "must be names joined by slashes, such as Apparel/Shirts: no empty names, control characters or blank ends",
    ),
    "categories_pkey": ("category", "is too long: give at most 600 characters"),
    "product_images_position_check": ("position", "must be 0 or more"),
    "reviews_rating_check": ("rating", "must be a whole number of stars from 1 to 5"),
    "reviews_helpful_votes_check": ("helpful_votes", "must not be negative"),
}
_ACCEPTED["categories_parent_idx"] = _ACCEPTED["products_category_idx"] = _ACCEPTED["categories_pkey"]

_UNSTORABLE = "a text holds a character that cannot be stored (NUL, or half of a surrogate pair): remove it"


@contextmanager
def named_refusals() -> Iterator[None]:
    """Turn what Postgres says against the values of a statement into errors of ours; other errors pass.

    Raises:
        InvalidInput: a constraint, a type or a length refused a value.
        Conflict: another transaction was in the way; the same request may succeed when it is sent again.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        raise InvalidInput(_UNSTORABLE) from error
    except psycopg.Error as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: psycopg.Error) -> ShelfmateError | None:
    constraint = error.diag.constraint_name or ""
    if error.diag.table_name == "categories" and isinstance(error, errors.NotNullViolation):
        # A path with an empty name has no last name, which the generated columns notice before the check does.
        constraint = "categories_path_check"
    elif isinstance(error, errors.NotNullViolation):
        return InvalidInput("is required", field=error.diag.column_name)
    if constraint in _ACCEPTED and not isinstance(error, errors.UniqueViolation):
        field, rule = _ACCEPTED[constraint]
        return InvalidInput(rule, field=field)
    if isinstance(error, errors.ForeignKeyViolation | errors.DeadlockDetected | errors.SerializationFailure):
        return Conflict("another request changed the same data at this moment: send yours again")
    if isinstance(error, errors.UniqueViolation):
        return Conflict(error.diag.message_detail or str(error))
    if isinstance(error, errors.NumericValueOutOfRange):
        return InvalidInput(f"a number is too large: {error.diag.message_primary}")
    # The driver itself refuses NUL, without a state; 22P05 is NUL inside JSON, 22P02 half of a surrogate pair.
    if isinstance(error, errors.UntranslatableCharacter | errors.InvalidTextRepresentation):
        return InvalidInput(_UNSTORABLE)
    if isinstance(error, psycopg.DataError) and error.sqlstate is None:
        return InvalidInput(_UNSTORABLE)
    return None
