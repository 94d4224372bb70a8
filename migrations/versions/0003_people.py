"""Reviews as the third modality, people and what they did, and predicted ratings.

Revision ID: 0003
"""

import re
from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"
# In the order in which they need each other; each has its NAME_down.sql.
PARTS = (
    "authors",
    "downloads",
    "events",
    "ratings",
    "reviews",
    "review_search",
    "signals",
    "trending",
    "together",
    "interests",
    "people",
    "persons",
    "lists",
    "predictions",
)
# Functions of earlier revisions that this one replaces, by the file that they come from.
REPLACED: dict[str, tuple[str, ...]] = {
    "0001/catalogue": ("set_updated_at",),
    "0001/facets": ("facet_counts", "facet_key", "facet_values"),
    "0001/filters": ("check_filter_value", "filter_leaf", "filter_test"),
    "0001/ratings": ("rate_products", "rate_reviewed_products"),
}


def upgrade() -> None:
    for part in (*PARTS, "rights"):
        _run((SQL / "0003" / f"{part}.sql").read_text())


def downgrade() -> None:
    for part in reversed(PARTS):
        _run((SQL / "0003" / f"{part}_down.sql").read_text())
    for file, names in REPLACED.items():
        for name in names:
            _run(_definition(file, name))
    _run((SQL / "0003" / "rights.sql").read_text())


def _definition(file: str, name: str) -> str:
    """The statement by which an earlier revision made a function; ``file`` is such as 0001/spaces."""
    source = (SQL / f"{file}.sql").read_text()
    found = re.search(rf"^CREATE (?:OR REPLACE )?FUNCTION {name}\(.*?\$\$;$", source, re.DOTALL | re.MULTILINE)
    assert found is not None
    return re.sub("^CREATE (OR REPLACE )?FUNCTION", "CREATE OR REPLACE FUNCTION", found[0])


def _run(statements: str) -> None:
    # Through the driver, since a percent sign and a colon mean nothing in these files.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(statements)
