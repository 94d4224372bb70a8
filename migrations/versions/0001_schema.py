"""The catalogue, the embedding queue, the vectors and the published functions.

Revision ID: 0001
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / "0001"
# In the order in which they need each other.
PARTS = (
    "tables",
    "catalogue",
    "queue",
    "spaces",
    "vectors",
    "ratings",
    "filters",
    "ranking",
    "similar",
    "arrange",
    "popular",
    "rules",
    "examples",
    "scoring",
    "recommend",
    "search",
    "facets",
    "paging",
    "reasons",
    "audits",
    "comments",
    "roles",
)


def upgrade() -> None:
    for part in PARTS:
        _run(f"{part}.sql")


def downgrade() -> None:
    _run("down.sql")


def _run(name: str) -> None:
    # Through the driver, since a percent sign and a colon mean nothing in these files.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / name).read_text())
