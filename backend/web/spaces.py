"""The admin's pages of embedding spaces: how far each is, what was fitted for it, and its life."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.errors import Conflict, InvalidInput
from backend.evaluation.alone import MOST_SAMPLED, SAMPLE, compare_alone
from backend.evaluation.table import rows
from backend.spaces import life
from backend.spaces.dropping import drop_space
from backend.spaces.overview import find_report, list_reports
from backend.spaces.plans import cancel_plan, list_plans
from backend.spaces.recipe import KERNELS, RECIPES, Recipe
from backend.spaces.requesting import PATIENCE, request_space
from backend.web.blueprint import services
from backend.web.same_origin import check_form
from backend.web.space_form import SpaceForm

views = Blueprint("spaces", __name__, url_prefix="/admin/spaces")
views.before_request(check_form)

# What was done, as the page says it.
DONE = {
    "made": "The space {} is made; workers fill it.",
    "planned": "The space {} is planned: a worker fits what it needs and makes it.",
    "activated": "The space {} answers from now on.",
    "retired": "The space {} is retired: it is not kept up any more.",
    "resumed": "The space {} is being filled again.",
    "dropped": "The space {} is gone.",
    "given-up": "The plan of the space {} is gone.",
}


@views.get("")
def overview() -> ResponseReturnValue:
    """Every space, and what was asked for and is not there yet."""
    done = DONE.get(request.args.get("done", ""))
    return _show(done=None if done is None else done.format(request.args.get("name", "")))


@views.get("/state")
def state() -> str:
    """The part of the overview that changes by itself."""
    return render_template("web/_spaces.html", **_state())


@views.get("/new")
def new() -> ResponseReturnValue:
    """An empty form."""
    return _show_form(SpaceForm(recipe=request.args.get("recipe") or "default"))


@views.post("/new")
def create() -> ResponseReturnValue:
    """Make a space, or plan it."""
    form = SpaceForm.sent(request.form)
    try:
        plan = request_space(services().database, form.name, form.to_recipe())
    except (InvalidInput, Conflict) as error:
        form.note(error)
        return _show_form(form, int(error.status) if isinstance(error, Conflict) else 422)
    return _done("made" if plan is None else "planned", form.name)


@views.post("/<name>/activate")
def activate(name: str) -> ResponseReturnValue:
    """Answer from this space from now on."""
    return _change("activated", lambda: life.activate(services().database, name, patience=PATIENCE).name)


@views.post("/rollback")
def roll_back() -> ResponseReturnValue:
    """Answer from the space that was active before."""
    return _change("activated", lambda: life.roll_back(services().database, patience=PATIENCE).name)


@views.post("/<name>/retire")
def retire(name: str) -> ResponseReturnValue:
    """Keep the space up no more."""
    return _change("retired", lambda: life.retire(services().database, name).name)


@views.post("/<name>/resume")
def resume(name: str) -> ResponseReturnValue:
    """Fill the space again."""
    return _change("resumed", lambda: life.resume(services().database, name).name)


@views.get("/<name>/drop")
def ask_to_drop(name: str) -> str:
    """Whether the space is really to go."""
    return render_template("web/space_drop.html", report=find_report(services().database, name))


@views.post("/<name>/drop")
def drop(name: str) -> ResponseReturnValue:
    """Drop the space with its vectors."""
    drop_space(services().database, name, patience=PATIENCE)
    return _done("dropped", name)


@views.post("/<name>/give-up")
def give_up(name: str) -> ResponseReturnValue:
    """Forget the plan of a space."""

    def cancel() -> str:
        cancel_plan(services().database, name)
        return name

    return _change("given-up", cancel)


@views.get("/compare")
def compare() -> str:
    """Two spaces side by side; asking both for a sample takes seconds."""
    database = services().database
    spaces = [report.space for report in list_reports(database) if report.fill.embedded]
    active = next((space.name for space in spaces if space.state == "active"), "")
    other = request.args.get("with") or next((space.name for space in reversed(spaces) if space.name != active), "")
    a, b = request.args.get("a", ""), request.args.get("b", "")
    sample = request.args.get("sample", SAMPLE, type=int)
    found = compare_alone(database, a, b, sample=min(MOST_SAMPLED, max(1, sample))) if a and b else None
    head, lines = ([], []) if found is None else rows(found)
    return render_template(
        "web/space_compare.html",
        spaces=spaces,
        a=a or active,
        b=b or other,
        sample=sample,
        most=MOST_SAMPLED,
        found=found,
        head=head,
        lines=lines,
    )


def figures(report: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """What a fit reports, as names and values; what is nested has the names above before its own."""
    found: list[tuple[str, str]] = []
    for name, value in report.items():
        words = f"{above} {name.replace('_', ' ')}".strip()
        if isinstance(value, Mapping):
            found += figures(value, words)
        elif isinstance(value, float):
            found.append((words, f"{value:,.4g}"))
        elif isinstance(value, int) and not isinstance(value, bool):
            found.append((words, f"{value:,}"))
        elif isinstance(value, list):
            found.append((words, ", ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in value[:12])))
        elif value is not None:
            found.append((words, str(value)))
    return found


def _change(done: str, change: Callable[[], str]) -> ResponseReturnValue:
    try:
        return _done(done, change())
    except Conflict as error:
        return _show(problem=str(error)), HTTPStatus.CONFLICT


def _done(what: str, name: str) -> ResponseReturnValue:
    return redirect(url_for("shelf.spaces.overview", done=what, name=name), 303)


def _state() -> dict[str, Any]:
    database = services().database
    reports, plans = list_reports(database), list_plans(database)
    moving = any(report.stage not in ("ready", "idle") for report in reports) or any(
        plan.state != "failed" for plan in plans
    )
    return {"reports": reports, "plans": plans, "moving": moving, "figures": figures}


def _show(*, done: str | None = None, problem: str | None = None) -> str:
    return render_template("web/spaces.html", done=done, problem=problem, **_state())


def _show_form(form: SpaceForm, refused: int = 422) -> ResponseReturnValue:
    recipes: dict[str, Recipe] = RECIPES
    page = render_template("web/space_form.html", form=form, recipes=recipes, kernels=KERNELS)
    return page, refused if form.problems else 200
