"""The files of an evaluation: report.html, which needs nothing else, report.json, and the charts as SVG and PNG."""

import base64
import io
import json
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from backend.errors import InvalidInput
from backend.evaluation.charts import Chart, charts
from backend.evaluation.evaluate import Evaluation
from backend.evaluation.evaluation_table import absent_contestants, accuracy_table, missing, spread_table, summary

DOTS_PER_INCH = 150


def write_report(found: Evaluation, directory: Path) -> Path:
    """Write everything into a directory, which is made; what an earlier report left there is overwritten.

    Raises:
        InvalidInput: the directory cannot be made or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        drawn = list(charts(found))
        vectors = {chart.stem: _drawn(chart, "svg") for chart in drawn}
        for chart in drawn:
            (directory / f"{chart.stem}.svg").write_bytes(vectors[chart.stem])
            (directory / f"{chart.stem}.png").write_bytes(_drawn(chart, "png"))
        (directory / "report.json").write_text(json.dumps(found.as_dict(), indent=2) + "\n", encoding="utf-8")
        (directory / "report.html").write_text(page(found, drawn, vectors), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"the report cannot be written to {directory}: {error.strerror}", field="out") from error
    return directory


def page(found: Evaluation, drawn: list[Chart], vectors: dict[str, bytes]) -> str:
    """The report as one HTML document without scripts, its charts inside."""
    environment = Environment(
        loader=PackageLoader("backend.evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    pictures = {
        chart.stem: {
            "source": f"data:image/svg+xml;base64,{base64.b64encode(vectors[chart.stem]).decode()}",
            "alternative": chart.alternative,
        }
        for chart in drawn
    }
    k = found.options.k
    stems = [chart.stem for chart in drawn[1:]]
    sets = [
        {
            "result": one,
            "accuracy": accuracy_table(one, k),
            "spread": spread_table(one, k),
            "absent": absent_contestants(one),
            "pictures": [pictures[stem] for stem in stems[2 * place : 2 * place + 2]],
        }
        for place, one in enumerate(found.sets)
    ]
    return environment.get_template("report.html").render(
        found=found, summary=summary(found), missing=missing(found), overview=pictures["overview"], sets=sets
    )


def _drawn(chart: Chart, kind: str) -> bytes:
    file = io.BytesIO()
    # Without a date the same figures give the same bytes.
    chart.figure.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata={"Date": None} if kind == "svg" else None)
    return file.getvalue()
