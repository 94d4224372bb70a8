"""The charts of an evaluation, drawn with matplotlib's figures alone, so that nothing global is touched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backend.evaluation.evaluate import Evaluation
from backend.evaluation.evaluation_table import NAMES, SPREAD
from backend.evaluation.intervals import Estimate
from backend.evaluation.judgement import Scored, SetResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Spaces have a colour each; one modality or way of theirs alone, and baselines, are told apart by shape too.
SPACES = ("#0b5394", "#b45f06", "#38761d", "#741b47")
ALONE, BASELINE = ("#6fa8dc", "s"), ("#767676", "D")
INK, FAINT = "#222222", "#dddddd"
WIDTH, ROW, HEAD = 9.0, 0.3, 1.15


@dataclass(frozen=True)
class Chart:
    """A figure with its file's stem, and what it shows in words."""

    stem: str
    title: str
    alternative: str
    figure: "Figure"


def charts(found: Evaluation) -> Iterator[Chart]:
    """An overview, and for each set who finds what is right and what the lists are like."""
    yield _overview(found)
    for one in found.sets:
        stem = one.name.replace(", ", "-").replace(" ", "-")
        yield _accuracy(one, found.options.k, stem)
        yield _spread(one, f"{stem}-lists")


def _overview(found: Evaluation) -> Chart:
    """nDCG of everybody in every set."""
    count = len(found.sets)
    figure, panels = _panels(count, 1 + max(len(one.present) for one in found.sets), share_x=True)
    rows = list(dict.fromkeys(scored.contestant for one in found.sets for scored in one.contestants))
    for place, (one, axes) in enumerate(zip(found.sets, panels, strict=True)):
        by_name = {scored.contestant: scored for scored in one.present}
        _dots(axes, [by_name.get(name) for name in rows], rows, "ndcg", labels=place == 0)
        axes.set_title(_wrapped(one.name), fontsize=9, color=INK)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1])
    title = f"nDCG@{found.options.k} by set"
    figure.suptitle(f"{title}, with 95 % intervals", x=0.01, ha="left", fontsize=11, color=INK)
    return Chart("overview", title, f"{title}: dots with intervals; the tables below hold the figures.", figure)


def _accuracy(one: SetResult, k: int, stem: str) -> Chart:
    """Scores, how far the spaces are ahead of each, and the same on cold products where the set has any."""
    scored = one.present
    names = [item.contestant for item in scored]
    first = "precision" if one.by_category else "recall"
    is_cold = any(item.measures["cold_ndcg"] for item in scored)
    figure, panels = _panels(4 if is_cold else 3, len(scored))
    for place, measure in enumerate([first, "ndcg", *(["cold_ndcg"] if is_cold else [])]):
        _dots(panels[place], scored, names, measure, labels=place == 0)
        panels[place].set_title(NAMES[measure].format(k=k), fontsize=9, color=INK)
        panels[place].set_xlim(left=0)
    _ahead(panels[-1], one, names)
    panels[-1].set_title("nDCG: space less this", fontsize=9, color=INK)
    figure.suptitle(f"{one.name}: who finds what is right", x=0.01, ha="left", fontsize=11, color=INK)
    alternative = f"{one.name}: scores of each contestant, and paired differences, with 95 % intervals."
    return Chart(stem, one.name, alternative, figure)


def _spread(one: SetResult, stem: str) -> Chart:
    """Coverage, diversity and novelty."""
    scored = one.present
    names = [item.contestant for item in scored]
    measures = [measure for measure in SPREAD if any(item.measures[measure] for item in scored)]
    figure, panels = _panels(len(measures), len(scored))
    for place, (measure, axes) in enumerate(zip(measures, panels, strict=True)):
        _dots(axes, scored, names, measure, labels=place == 0)
        axes.set_title(NAMES[measure], fontsize=9, color=INK)
        axes.margins(x=0.08)
    figure.suptitle(f"{one.name}: what the lists are like", x=0.01, ha="left", fontsize=11, color=INK)
    alternative = f"{one.name}: {', '.join(measures)} of each contestant's lists, with 95 % intervals."
    return Chart(stem, f"{one.name}: lists", alternative, figure)


def _panels(count: int, rows: int, *, share_x: bool = False) -> tuple["Figure", list["Axes"]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEAD + ROW * rows))
    # So that the last tick of one panel does not meet the first of the next.
    figure.set_layout_engine("constrained", w_pad=0.1)
    panels = figure.subplots(1, count, sharey=True, sharex=share_x, squeeze=False)[0]
    return figure, list(panels)


def _dots(axes: "Axes", scored: Sequence[Scored | None], names: Sequence[str], measure: str, *, labels: bool) -> None:
    spaces = [item.contestant for item in scored if item and not item.is_baseline]
    for place, item in enumerate(scored):
        estimate = item.measures[measure] if item else None
        if item and estimate:
            _dot(axes, place, estimate, *_look(item, spaces))
    _dress(axes, names, labels=labels)


def _ahead(axes: "Axes", one: SetResult, names: Sequence[str]) -> None:
    spaces = list(dict.fromkeys(found.contestant for found in one.differences))
    for found in one.differences:
        estimate = found.measures["ndcg"]
        if estimate is None or found.other not in names:
            continue
        number = spaces.index(found.contestant)
        # Several spaces stand a little below each other in one row.
        offset = 0.18 * (number - (len(spaces) - 1) / 2)
        _dot(axes, names.index(found.other) + offset, estimate, SPACES[number % len(SPACES)], "o")
    axes.axvline(0, color=INK, linewidth=0.8)
    _dress(axes, names, labels=False)
    if len(spaces) > 1:
        handles: list[Any] = [
            axes.plot([], [], "o", color=SPACES[number % len(SPACES)], markersize=4, label=space)[0]
            for number, space in enumerate(spaces)
        ]
        axes.legend(handles=handles, fontsize=7, frameon=False, loc="best")


def _dot(axes: "Axes", place: float, estimate: Estimate, colour: str, shape: str) -> None:
    # Not clipped, since a marker at 0 stands half outside.
    ends = [estimate.low, estimate.high]
    axes.plot(ends, [place, place], color=colour, linewidth=1.4, solid_capstyle="butt", clip_on=False, zorder=3)
    axes.plot([estimate.mean], [place], shape, color=colour, markersize=4.5, clip_on=False, zorder=3)


def _dress(axes: "Axes", names: Sequence[str], *, labels: bool) -> None:
    axes.set_yticks(range(len(names)), labels=names if labels else None)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(labelsize=8, length=0, colors=INK, labelleft=labels)
    axes.locator_params(axis="x", nbins=4)
    axes.grid(axis="x", color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _look(item: Scored, spaces: Sequence[str]) -> tuple[str, str]:
    if not item.is_baseline:
        return SPACES[spaces.index(item.contestant) % len(SPACES)], "o"
    return ALONE if ":" in item.contestant else BASELINE


def _wrapped(name: str) -> str:
    return name.replace(", ", ",\n")
