"""The category tree as a page shows it: the way to a category, its siblings on the way, its children."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.catalog.categories import Category
from backend.errors import NotFound


@dataclass(frozen=True)
class Branch:
    """One line of the tree: ``depth`` 0 is a top category; ``open`` when the category lies in or below it."""

    category: Category
    depth: int
    open: bool


def way_to(roots: Sequence[Category], path: str) -> list[Category]:
    """The categories from the top down to the one with this path.

    Raises:
        NotFound: there is none.
    """
    way: list[Category] = []
    level = roots
    while not way or way[-1].path != path:
        step = next((c for c in level if c.path == path or path.startswith(f"{c.path}/")), None)
        if step is None:
            raise NotFound(f"no category {path}")
        way.append(step)
        level = step.children
    return way


def unfold(roots: Sequence[Category], way: Sequence[Category]) -> list[Branch]:
    """The tree's lines, opened along the way only."""
    return _unfold(roots, {category.path for category in way}, 0)


def paths(level: Sequence[Category]) -> list[str]:
    """The paths of these categories and all below them, each before its children."""
    return [path for category in level for path in (category.path, *paths(category.children))]


def _unfold(level: Sequence[Category], opened: set[str], depth: int) -> list[Branch]:
    lines: list[Branch] = []
    for category in level:
        is_open = category.path in opened
        lines.append(Branch(category, depth, is_open))
        if is_open:
            lines += _unfold(category.children, opened, depth + 1)
    return lines
