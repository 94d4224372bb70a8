"""The category tree."""

from dataclasses import dataclass, field

from backend.catalog.refusals import named_refusals
from backend.database.connection import Database
from backend.database.queries import load_queries

SQL = load_queries("catalog")


@dataclass
class Category:
    """A category: ``products`` counts those in its whole subtree, ``direct_products`` those in itself."""

    path: str
    name: str
    direct_products: int
    products: int
    children: list["Category"] = field(default_factory=list)


def list_categories(database: Database) -> list[Category]:
    """The roots of the tree, by path; each holds its children."""
    with database.read() as connection:
        rows = connection.execute(SQL["list_categories"]).fetchall()
    nodes = {path: Category(path, name, direct, direct) for path, _, name, direct in rows}
    parents = {path: parent for path, parent, _, _ in rows}
    # A child's path is longer than its parent's, so that counts travel up from the leaves.
    for path in sorted(nodes, key=len, reverse=True):
        parent = parents[path]
        if parent is not None:
            nodes[parent].products += nodes[path].products
    for path, parent in parents.items():
        if parent is not None:
            nodes[parent].children.append(nodes[path])
    return [node for path, node in nodes.items() if parents[path] is None]


def rename_category(database: Database, path: str, new_path: str) -> int:
    """Rename or move a category with all below it and their products; returns how many categories moved.

    Raises:
        InvalidInput: there is no such category, the new path does not fit, or it lies inside the old one.
        Conflict: a category has the new path already.
    """
    with named_refusals(), database.write() as connection:
        row = connection.execute(SQL["rename_category"], {"path": path, "new_path": new_path}).fetchone()
    assert row is not None
    return int(row[0])
