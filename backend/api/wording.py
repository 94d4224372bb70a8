"""What is wrong with a value, in our words: pydantic's own speak of Python and of parsing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

Context = Mapping[str, Any]

# By the pattern that a text must match: what it asks for, with an example.
FORMS = {
    "^[A-Z]{3}$": "must be three capital letters, such as EUR",
    r"^[1-9][0-9]{0,3}[dw]$": "must be whole days or weeks, such as 30d or 4w",
    r"^[0-9]{1,5}(\.[0-9]{1,3})?[hdw]$": "must be hours, days or weeks, such as 36h, 2d or 1w",
}

# By the type of pydantic's error. The types that requests are made of give no other, as a test says.
WORDS: dict[str, str | Callable[[Context], str]] = {
    "missing": "is required",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "decimal_max_digits": lambda context: f"must have at most {context['max_digits']} digits",
    "decimal_max_places": lambda context: f"must have at most {context['decimal_places']} decimals",
    "decimal_whole_digits": lambda context: f"must have at most {context['whole_digits']} digits before the point",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text",
    "string_unicode": "must be text in UTF-8",
    "string_pattern_mismatch": lambda context: FORMS[context["pattern"]],
    "string_too_short": lambda context: _length(context["min_length"], context["unit"], least=True),
    "string_too_long": lambda context: _length(context["max_length"], context["unit"], least=False),
    "list_type": "must be a list",
    "too_short": lambda context: _length(context["min_length"], context["unit"], least=True),
    "too_long": lambda context: _length(context["max_length"], context["unit"], least=False),
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": lambda context: f"must be {context['expected']}",
    "enum": lambda context: f"must be {context['expected']}",
    "greater_than": lambda context: f"must be above {_number(context['gt'])}",
    "greater_than_equal": lambda context: f"must be {_number(context['ge'])} or more",
    "less_than": lambda context: f"must be below {_number(context['lt'])}",
    "less_than_equal": lambda context: f"must be {_number(context['le'])} or less",
    "datetime_type": "must be a time, such as 2026-05-01T12:00:00Z",
    "datetime_parsing": "must be a time, such as 2026-05-01T12:00:00Z",
    "datetime_from_date_parsing": "must be a time, such as 2026-05-01T12:00:00Z",
    "datetime_object_invalid": "must be a time, such as 2026-05-01T12:00:00Z",
    "timezone_aware": "must say its time zone, such as 2026-05-01T12:00:00Z",
    "json_invalid": lambda context: f"The body is not JSON: {context['error']}.",
    "json_type": "The body is not JSON.",
    "recursion_loop": "is nested too deep",
    "value_error": lambda context: str(context["error"]),
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
}


def describe(item: ErrorDetails, known: Sequence[str]) -> str:
    """One error; ``known`` are the names of the fields around it, where it is at the top."""
    kind = item["type"]
    # A text behind a function of ours is counted as a list is.
    context = {**item.get("ctx", {}), "unit": "character" if isinstance(item["input"], str) else "element"}
    if kind == "extra_forbidden":
        return f"unknown; known are {', '.join(known)}" if len(item["loc"]) == 1 else "unknown"
    words = WORDS.get(kind, "does not fit")
    return words if isinstance(words, str) else words(context)


def path_of(location: Sequence[int | str]) -> str:
    """Where a value stands, as in ``filter.all[1].gte``."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _number(bound: float) -> str:
    return f"{bound:,.15g}"


def _length(number: int, unit: str, *, least: bool) -> str:
    return f"must have {'at least' if least else 'at most'} {number:,} {unit}{'' if number == 1 else 's'}"
