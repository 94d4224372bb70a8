"""docs/operations.md lists every setting as the code has it."""

import re
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from backend.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
BETWEEN = re.compile(r"<!-- settings: .* -->\n(.*)<!-- end of settings -->", re.DOTALL)


def table() -> str:
    """The table as it has to be."""
    rows = ["| variable | default | what |", "|---|---|---|"]
    rows += [
        f"| `{variable(name, field)}` | {shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(rows) + "\n"


def variable(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or f"SHELFMATE_{name.upper()}")


def shown(default: Any) -> str:
    return "none" if default is None else f"`{default}`"


def test_the_settings_of_the_page_are_the_settings_of_the_code() -> None:
    found = BETWEEN.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[1] == table(), f"write this between the two marks:\n{table()}"


def test_every_variable_named_on_the_page_exists() -> None:
    known = {variable(name, field) for name, field in Settings.model_fields.items()}
    named = set(re.findall(r"`(SHELFMATE_[A-Z_]+)`", PAGE.read_text(encoding="utf-8")))
    assert named <= known
    assert "SHELFMATE_HOME" in named
