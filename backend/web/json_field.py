"""A form's field that holds JSON."""

import json
from typing import Any

from backend.errors import InvalidInput


def read_object(text: str, field: str, example: str) -> dict[str, Any]:
    """The JSON object in a form's field.

    Raises:
        InvalidInput: it is not JSON, or not an object such as ``example``.
    """

    def refuse(constant: str) -> None:
        raise InvalidInput(f"holds {constant}, which is no number of JSON", field=field)

    try:
        found = json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}", field=field
        ) from error
    except RecursionError as error:
        raise InvalidInput("is nested too deep", field=field) from error
    except ValueError as error:
        # Python reads no whole number of more than 4,300 digits.
        raise InvalidInput("holds a number of too many digits", field=field) from error
    if not isinstance(found, dict):
        raise InvalidInput(f"must be an object such as {example}", field=field)
    return found
