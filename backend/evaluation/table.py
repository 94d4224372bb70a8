"""A comparison as a table for people."""

from backend.evaluation.compare import Comparison, Side
from backend.evaluation.intervals import Estimate

Rows = list[list[str]]


def rows(comparison: Comparison) -> tuple[list[str], Rows]:
    """Head and rows of a comparison: what is measured, space a, space b, b less a.

    Means have their 95 % interval in brackets; a difference that is more than chance has a star.
    """
    a, b = comparison.a, comparison.b
    head = ["", a.name, b.name, f"{b.name} less {a.name}"]
    found: Rows = [
        ["state", a.state, b.state, ""],
        ["dimensions", str(a.dimensions), str(b.dimensions), ""],
        ["products embedded", _fill(a), _fill(b), ""],
        [f"overlap@{comparison.k}, {_count(comparison.overlap)}", "", show(comparison.overlap), ""],
        [f"recall@{comparison.k} of its own exact answers", show(a.recall), show(b.recall), ""],
        ["answered by an index", f"{a.ann:.0%}", f"{b.ann:.0%}", ""],
    ]
    for item in comparison.quality:
        counted = f", {item.left_out} left out" if item.left_out else ""
        name = f"{item.evaluation_set}: {item.method}, {_count(item.a or item.b)}{counted}"
        found.append([name, show(item.a), show(item.b), difference(item.difference)])
    for name, x, y in (("p50 ms", a.p50, b.p50), ("p95 ms", a.p95, b.p95)):
        found.append([name, f"{x:.2f}", f"{y:.2f}", f"{y - x:+.2f}"])
    sizes = (
        ("bytes a product: row", a.size.row, b.size.row),
        ("bytes a product: index of the fused vector", a.size.index, b.size.index),
        ("bytes a product: both", a.size.row_and_index, b.size.row_and_index),
        ("bytes a product: everything stored", a.size.everything, b.size.everything),
    )
    found += [[name, f"{x:,.0f}", f"{y:,.0f}", f"{y - x:+,.0f}"] for name, x, y in sizes]
    return head, found


def show(found: Estimate | None) -> str:
    """A mean with its interval; empty when there is none."""
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})" if found else ""


def difference(found: Estimate | None) -> str:
    """The same of a difference, with a star when 0 lies outside the interval."""
    if found is None:
        return ""
    star = " *" if found.excludes_zero else ""
    return f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f}){star}"


def _count(found: Estimate | None) -> str:
    return f"{found.n if found else 0:,} queries"


def _fill(side: Side) -> str:
    waits = f", {side.fill.waiting:,} waiting" if side.fill.waiting else ""
    dead = f", {side.fill.dead:,} failed" if side.fill.dead else ""
    return f"{side.fill.embedded:,} of {side.fill.products:,}{waits}{dead}"
