"""The charts of a report as matplotlib figures, and those as SVG and PNG. No global state of matplotlib is used.

Each is drawn small, so that it can be read on a phone; a page puts two or three beside each other where there is room.
"""

import io
import re
from collections.abc import Sequence
from threading import Lock
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from backend.ratings.measures import STARS
from backend.ratings.models import Form, History
from backend.ratings.report import DECIDING, Ablation, FormResult, Report

# The house's colours (backend/web/static/shop.css): a form has the same one in every chart.
PAPER, SHEET, INK, MUTED, LINE = "#faf7f2", "#ffffff", "#221f1a", "#6a6358", "#e2dbcf"
COLOURS: dict[str, str] = {"fine-tuned": "#1d5b49", "frozen-mlp": "#ad4a26", "baseline": "#5a4a86"}
OTHER = "#8d8474"
LABELS = {
    "accuracy": "accuracy",
    "skill": "skill",
    "macro_f1": "macro F1",
    "quadratic_kappa": "quadratic kappa",
    "within_one": "within one star",
    "mae": "stars off (MAE)",
}
WIDTH = 4.6
# matplotlib keeps fonts and settings in one place for all threads.
_LOCK = Lock()
_SETTINGS: Any = {"svg.fonttype": "path", "svg.hashsalt": "shelfmate", "font.family": "DejaVu Sans"}


def draw_all(report: Report) -> dict[str, Figure]:
    """Every chart of a report, by the name its file gets."""
    charts = {"side-by-side": draw_side_by_side(report.forms)}
    for result in report.forms:
        charts[f"confusion-{result.form}"] = draw_confusion(result)
    charts["per-class"] = draw_per_class(report.forms)
    charts["reliability"] = draw_reliability(report.forms)
    for result in report.forms:
        if any(history.epochs for history in result.histories):
            charts[f"training-{result.form}"] = draw_training(result.form, result.histories)
    if report.ablation is not None and report.ablation.without:
        charts["ablation"] = draw_ablation(report.ablation)
    return charts


def draw_side_by_side(forms: Sequence[FormResult]) -> Figure:
    """The measures of each form with their intervals; stars off are apart, since less is better there."""
    figure = Figure(figsize=(WIDTH, 3.5), facecolor=SHEET, layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=[5, 1.1])
    shares = ["accuracy", "skill", "macro_f1", "quadratic_kappa", "within_one"]
    for axes, names in ((upper, shares), (lower, ["mae"])):
        _frame(axes)
        height = 0.7 / len(forms)
        for number, result in enumerate(forms):
            places = [row + (number - (len(forms) - 1) / 2) * height for row in range(len(names))]
            means = [getattr(result.measures, name) for name in names]
            spans = [result.intervals[name] for name in names]
            for place, mean, span in zip(places, means, spans, strict=True):
                axes.plot([span.low, span.high], [place, place], color=_colour(result.form), linewidth=2.2)
                axes.plot(mean, place, "o", color=_colour(result.form), markersize=4)
        axes.set_yticks(range(len(names)), [LABELS[name] for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.grid(axis="x", color=LINE, linewidth=0.7)
    _key(upper, [(result.form, _colour(result.form)) for result in forms])
    return figure


def draw_confusion(result: FormResult) -> Figure:
    """Given stars in rows, predicted ones in columns; shades are shares of the row, numbers are reviews."""
    counts = np.array(result.measures.confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(WIDTH * 0.8, WIDTH * 0.75), facecolor=SHEET, layout="constrained")
    axes = figure.subplots()
    # Not imshow, which would put a bitmap into the SVG.
    edges = np.arange(STARS + 1) - 0.5
    axes.pcolormesh(edges, edges, shares, cmap=_shades(_colour(result.form)), vmin=0, vmax=1)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    for given in range(STARS):
        for said in range(STARS):
            axes.text(
                said,
                given,
                f"{counts[given, said]:,}\n{shares[given, said]:.0%}",
                ha="center",
                va="center",
                fontsize=7.5,
                color=SHEET if shares[given, said] > 0.6 else INK,
            )
    names = [f"{star}★" for star in range(1, STARS + 1)]
    axes.set_xticks(range(STARS), names)
    axes.set_yticks(range(STARS), names)
    axes.set_xlabel("predicted", color=MUTED, fontsize=8)
    axes.set_ylabel("given", color=MUTED, fontsize=8)
    axes.tick_params(length=0, labelsize=8, colors=INK)
    axes.spines[:].set_visible(False)
    return figure


def draw_per_class(forms: Sequence[FormResult]) -> Figure:
    """F1 of each rating, form beside form."""
    figure = Figure(figsize=(WIDTH, 2.8), facecolor=SHEET, layout="constrained")
    axes = figure.subplots()
    _frame(axes)
    width = 0.8 / len(forms)
    for number, result in enumerate(forms):
        places = np.arange(STARS) + (number - (len(forms) - 1) / 2) * width
        bars = [row.f1 for row in result.measures.per_class]
        axes.bar(places, bars, width * 0.92, color=_colour(result.form))
        for place, value in zip(places, bars, strict=True):
            axes.text(place, value + 0.01, f"{value:.2f}".lstrip("0"), ha="center", fontsize=6, color=MUTED)
    axes.set_xticks(
        range(STARS), [f"{row.stars}★\n{row.support:,} reviews" for row in forms[0].measures.per_class], fontsize=7
    )
    axes.set_ylabel("F1", color=MUTED, fontsize=8)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    _key(axes, [(result.form, _colour(result.form)) for result in forms])
    return figure


def draw_reliability(forms: Sequence[FormResult]) -> Figure:
    """How often the likeliest rating is right, against how sure the form was; the diagonal is where both agree."""
    figure = Figure(figsize=(WIDTH * 0.9, WIDTH * 0.85), facecolor=SHEET, layout="constrained")
    axes = figure.subplots()
    _frame(axes)
    axes.plot([0, 1], [0, 1], color=OTHER, linewidth=1, linestyle=(0, (3, 3)))
    for result in forms:
        bins = result.calibration.bins
        most = max(bin_.n for bin_ in bins)
        axes.plot(
            [bin_.confidence for bin_ in bins], [bin_.accuracy for bin_ in bins], color=_colour(result.form), lw=1.6
        )
        axes.scatter(
            [bin_.confidence for bin_ in bins],
            [bin_.accuracy for bin_ in bins],
            s=[8 + 50 * bin_.n / most for bin_ in bins],
            color=_colour(result.form),
            zorder=3,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("probability given to the likeliest rating", color=MUTED, fontsize=8)
    axes.set_ylabel("share that was right", color=MUTED, fontsize=8)
    axes.grid(color=LINE, linewidth=0.7)
    _key(
        axes,
        [(f"{result.form}, ECE {result.calibration.ece:.3f}", _colour(result.form)) for result in forms],
        place="upper left",
    )
    return figure


def draw_training(form: Form, histories: Sequence[History]) -> Figure:
    """Loss of the training and of the validation part by epoch, and stars off beneath; the kept epoch is marked."""
    figure = Figure(figsize=(WIDTH, 3.6), facecolor=SHEET, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    for axes in (upper, lower):
        _frame(axes)
        axes.grid(axis="y", color=LINE, linewidth=0.7)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    colour = _colour(form)
    for history in histories:
        numbers = [epoch.number for epoch in history.epochs]
        upper.plot(numbers, [epoch.loss for epoch in history.epochs], ".-", color=OTHER, lw=1.2, ms=4)
        upper.plot(numbers, [epoch.validation_loss for epoch in history.epochs], ".-", color=colour, lw=1.8, ms=5)
        lower.plot(numbers, [epoch.mae for epoch in history.epochs], ".-", color=colour, lw=1.8, ms=5)
        for epoch in history.epochs:
            if epoch.number == history.best:
                lower.plot(epoch.number, epoch.mae, "o", mfc=SHEET, mec=colour, mew=1.6, ms=8, zorder=4)
    upper.set_ylabel("loss", color=MUTED, fontsize=8)
    lower.set_ylabel("stars off", color=MUTED, fontsize=8)
    lower.set_xlabel("epoch; the circle marks the one that was kept", color=MUTED, fontsize=8)
    _key(upper, [("validation", colour), ("training", OTHER)])
    return figure


def draw_ablation(ablation: Ablation) -> Figure:
    """What each part takes off the error, with its interval: right of 0 it helps, across 0 it may be chance."""
    figure = Figure(figsize=(WIDTH, 0.9 + 0.45 * len(ablation.without)), facecolor=SHEET, layout="constrained")
    axes = figure.subplots()
    _frame(axes)
    axes.axvline(0, color=INK, linewidth=0.9)
    for row, one in enumerate(ablation.without):
        gain = one.gain[DECIDING]
        colour = _colour(ablation.form) if one.verdict == "kept" else OTHER
        axes.plot([-gain.low, -gain.high], [row, row], color=colour, linewidth=3)
        axes.plot(-gain.mean, row, "o", color=colour, markersize=6)
        axes.annotate(
            one.verdict, (max(-gain.low, -gain.high), row), (5, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.margins(x=0.22, y=0.25)
    axes.set_yticks(range(len(ablation.without)), [one.part for one in ablation.without])
    axes.invert_yaxis()
    axes.grid(axis="x", color=LINE, linewidth=0.7)
    axes.set_xlabel("stars less off with it than without it (MAE)", color=MUTED, fontsize=8)
    return figure


def to_svg(figure: Figure, *, title: str, prefix: str = "") -> str:
    """An ``<svg>`` element that scales with what is around it; ``prefix`` keeps its ids apart from another's."""
    written = io.StringIO()
    with _LOCK, mpl.rc_context(_SETTINGS):
        # No date and no address of matplotlib's in the file, so that the same report gives the same bytes.
        about = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(written, format="svg", metadata=about)
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", svg)
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return re.sub(
        r'<svg (.*?)width="[\d.]+pt" height="[\d.]+pt"', rf'<svg role="img" aria-label="{label}" \1', svg, count=1
    )


def to_png(figure: Figure, *, dpi: int = 200) -> bytes:
    """The chart as the bytes of a PNG file."""
    written = io.BytesIO()
    with _LOCK, mpl.rc_context(_SETTINGS):
        figure.savefig(written, format="png", dpi=dpi)
    return written.getvalue()


def _frame(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(length=0, labelsize=8, colors=INK)


def _key(axes: Axes, entries: Sequence[tuple[str, str]], place: Literal["upper left"] | None = None) -> None:
    """What the colours stand for: above the chart, or inside it."""
    for name, colour in entries:
        axes.plot([], [], "o", color=colour, label=name, markersize=5)
    style: dict[str, Any] = {"frameon": False, "fontsize": 8, "handletextpad": 0.2, "labelcolor": INK}
    if place is None:
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(entries), columnspacing=1.2, **style)
    else:
        axes.legend(loc=place, **style)


def _colour(form: str) -> str:
    return COLOURS.get(form, OTHER)


def _shades(colour: str) -> "mpl.colors.LinearSegmentedColormap":
    return mpl.colors.LinearSegmentedColormap.from_list("shade", [SHEET, colour])
