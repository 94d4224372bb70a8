"""The life of spaces, models fitted for them, and a queue that is fair between them.

Revision ID: 0002
"""

import re
from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"
# In the order in which they need each other.
PARTS = ("spaces", "models", "life", "queue", "facts", "images", "answers", "linear", "rights")
# Functions of 0001 that this revision replaces, by the file that they come from.
REPLACED = {
    "spaces": ("activate_space", "create_space", "find_space"),
    "vectors": ("is_indexed",),
    "paging": ("frozen_query", "unit_blocks"),
}


def upgrade() -> None:
    for part in PARTS:
        _run((SQL / "0002" / f"{part}.sql").read_text())


def downgrade() -> None:
    for part in ("queue_down", "down"):
        _run((SQL / "0002" / f"{part}.sql").read_text())
    for file, names in REPLACED.items():
        for name in names:
            _run(_definition(file, name))
    _run((SQL / "0002" / "down_rights.sql").read_text())


def _definition(file: str, name: str) -> str:
    """The statement by which 0001, which never changes, made a function."""
    source = (SQL / "0001" / f"{file}.sql").read_text()
    found = re.search(rf"^CREATE FUNCTION {name}\(.*?\$\$;$", source, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


def _run(statements: str) -> None:
    # Through the driver, since a percent sign and a colon mean nothing in these files.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(statements)
