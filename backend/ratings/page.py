"""A report as one HTML page that needs nothing from elsewhere, and as a directory of page, JSON and charts."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from backend.evaluation.intervals import Estimate
from backend.ratings.charts import LABELS, draw_all, to_png, to_svg
from backend.ratings.measures import LOWER_IS_BETTER
from backend.ratings.report import Report

PAGE, FIGURES, CHARTS = "report.html", "report.json", "charts"


def render(report: Report) -> str:
    """The page: inline SVG, no script, nothing loaded."""
    return _page(report, _svgs(report, draw_all(report)))


def write(report: Report, directory: Path) -> list[Path]:
    """Write ``report.html``, ``report.json`` and ``charts/NAME.svg`` and ``.png``; returns what was written."""
    figures = draw_all(report)
    svgs = _svgs(report, figures)
    charts = directory / CHARTS
    charts.mkdir(parents=True, exist_ok=True)
    written = [directory / PAGE, directory / FIGURES]
    written[0].write_text(_page(report, svgs), encoding="utf-8")
    written[1].write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")
    for name, figure in figures.items():
        svg, png = charts / f"{name}.svg", charts / f"{name}.png"
        svg.write_text(svgs[name] + "\n", encoding="utf-8")
        png.write_bytes(to_png(figure))
        written += [svg, png]
    return written


def is_better(name: str, difference: Estimate) -> bool:
    """Whether a paired difference of this measure is to the good by more than chance."""
    return difference.high < 0 if name in LOWER_IS_BETTER else difference.low > 0


def data_facts(report: Report) -> list[tuple[str, str]]:
    """What was learnt from, as label and value."""
    data = report.data
    facts = [
        ("read from", data.source),
        ("reviews read", f"{data.read:,}"),
        ("used", f"{data.used:,}"),
        ("without a rating", f"{data.unrated:,}"),
        ("blank", f"{data.blank:,}"),
        ("duplicates removed", f"{data.duplicates:,}"),
        ("titles that said the rating", f"{data.title_marked:,} ({data.title_marked / max(1, data.used):.1%})"),
        ("products", f"{data.products:,}"),
        ("users known", f"{data.users:,}"),
        ("with a photograph", f"{data.with_image:,}"),
    ]
    facts += [(f"{star}★", f"{count:,} ({count / max(1, data.used):.1%})") for star, count in enumerate(data.stars, 1)]
    return [*facts, ("fingerprint", data.fingerprint[:16])]


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``14 min``."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def _svgs(report: Report, figures: dict[str, Figure]) -> dict[str, str]:
    return {name: to_svg(one, title=f"{name} of {report.name}", prefix=f"{name}-") for name, one in figures.items()}


def _page(report: Report, svgs: dict[str, str]) -> str:
    return _template().render(
        report=report,
        best=report.best,
        # The drawing is matplotlib's, and its title was escaped.
        charts={name: Markup(svg) for name, svg in svgs.items()},  # noqa: S704
        labels=LABELS,
        leaders=_leaders(report),
        trained=[result.form for result in report.forms if f"training-{result.form}" in svgs],
        facts=data_facts(report),
        made=_making(report),
        better=is_better,
        duration=duration,
    )


def _leaders(report: Report) -> dict[str, str]:
    """Of each measure the form that does best."""
    found: dict[str, str] = {}
    for name in LABELS:
        sign = -1 if name in LOWER_IS_BETTER else 1
        found[name] = max(report.forms, key=lambda result: sign * getattr(result.measures, name)).form
    return found


def _making(report: Report) -> list[tuple[str, str]]:
    held = report.held
    return [
        ("began", report.began),
        ("took", duration(report.seconds)),
        ("folds", f"{held.measured} of {held.folds} measured"),
        ("kept apart by", held.grouped_by),
        ("seed", str(held.seed)),
        *report.machine.items(),
        *report.versions.items(),
    ]


@cache
def _template() -> Template:
    shelf: Any = PackageLoader("backend.ratings")
    return Environment(loader=shelf, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(
        "report.html"
    )
