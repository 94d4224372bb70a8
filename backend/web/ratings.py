"""The admin's page of rating models: how each did, a review to try, what products without reviews may expect."""

from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import TypeAdapter

from backend.errors import ConfigurationError, Conflict, InvalidInput, NotFound, NotReady
from backend.ratings.corpus import Example
from backend.ratings.loaded import Rated
from backend.ratings.predictions import ProductReport, list_predictions
from backend.ratings.report import FormResult, Report, read_report
from backend.ratings.store import StoredModel, find_model, list_models, list_reports, read_model_report, use_model
from backend.web.blueprint import services
from backend.web.same_origin import check_form

views = Blueprint("ratings", __name__, url_prefix="/admin/ratings")
views.before_request(check_form)

# The report is one page with its styles inside; nothing else may be in it.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
MOST_CHARACTERS = 20_000
PREDICTED_SHOWN = 10


@dataclass(frozen=True)
class Shown:
    """A model with what was measured of it."""

    model: StoredModel
    report: Report | None = None
    result: FormResult | None = None
    of_products: ProductReport | None = None


@dataclass
class Trial:
    """A review that somebody tries, and what became of it."""

    title: str = ""
    text: str = ""
    model: str = ""
    rated: Rated | None = None
    by: str = ""
    problems: dict[str, str] = field(default_factory=dict)


@views.get("")
def overview() -> str:
    """Every model side by side."""
    return _show(Trial(), done=request.args.get("done", ""))


@views.post("/try")
def try_review() -> ResponseReturnValue:
    """What a model makes of a review."""
    sent = request.form
    trial = Trial(sent.get("title", "").strip(), sent.get("text", "").strip(), sent.get("model", "").strip())
    if not trial.title and not trial.text:
        trial.problems["text"] = "Write something first."
    elif max(len(trial.title), len(trial.text)) > MOST_CHARACTERS:
        trial.problems["text"] = f"At most {MOST_CHARACTERS:,} characters are read."
    else:
        example = Example(product="", title=trial.title.replace("\0", ""), text=trial.text.replace("\0", ""))
        try:
            stored, (trial.rated,) = services().rating_models.rate([example], trial.model or None)
            trial.by = stored.name
        except (NotFound, NotReady, Conflict, ConfigurationError) as error:
            trial.problems["model"] = str(error)
    return _show(trial), 422 if trial.problems else 200


@views.post("/<name>/use")
def use(name: str) -> ResponseReturnValue:
    """Let this model answer where none is named."""
    use_model(services().database, name)
    return redirect(url_for("shelf.ratings.overview", done=name), 303)


@views.get("/<name>/report")
def report(name: str) -> Response:
    """The full report as it is written into a file by the command."""
    # Drawing needs matplotlib, which no other page does.
    from backend.ratings.page import render

    database = services().database
    model = find_model(database, name)
    if model.reads_products:
        raise NotFound(f"{name} rates products, and has no report of its own beside what /admin/ratings says")
    page = Response(render(read_report(read_model_report(database, model))), mimetype="text/html")
    page.headers["Content-Security-Policy"] = REPORT_POLICY
    return page


def _show(tried: Trial, done: str = "") -> str:
    database = services().database
    reports = list_reports(database)
    shown = [_with_report(model, reports.get(model.id, {})) for model in list_models(database)]
    predicted, count, stale = list_predictions(database, PREDICTED_SHOWN)
    return render_template(
        "web/ratings.html",
        of_reviews=[one for one in shown if not one.model.reads_products],
        of_products=[one for one in shown if one.model.reads_products],
        tried=tried,
        done=done,
        predicted=predicted,
        predicted_count=count,
        stale=stale,
    )


def _with_report(model: StoredModel, content: dict[str, Any]) -> Shown:
    if model.reads_products:
        return Shown(model, of_products=TypeAdapter(ProductReport).validate_python(content))
    try:
        report = read_report(content)
        return Shown(model, report, next(one for one in report.forms if one.form == model.form))
    except InvalidInput:
        # Of another version: it is listed, and its report says what to do.
        return Shown(model)
