"""The admin's pages of ranking rules: a list with what applies now, and a form that shows what a rule is about."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.catalog.categories import list_categories
from backend.catalog.products import count_products
from backend.errors import Conflict, InvalidInput
from backend.recommend import rules
from backend.recommend.rules import Rule
from backend.web.blueprint import services
from backend.web.cards import Card, read_cards
from backend.web.rule_form import RuleForm, take_apart, write_conditions
from backend.web.same_origin import check_form
from backend.web.tree import paths
from backend.web.wording import day

views = Blueprint("rules", __name__, url_prefix="/admin/rules")
views.before_request(check_form)

# How many of the products that a rule is about are shown.
EXAMPLES = 5


@dataclass(frozen=True)
class Line:
    """A rule in the list: the parts of its filter, how many products match it (None for a pin) and when it applies."""

    rule: Rule
    category: str
    brand: str
    others: str
    matches: int | None
    schedule: str


@dataclass(frozen=True)
class Aim:
    """The products that a form is about: how many of how many, the newest of them, and what is wrong with the filter.

    ``matches`` is None where no product is named yet, or the filter cannot be read.
    """

    matches: int | None
    products: int
    cards: list[Card]
    problem: str = ""


@views.get("")
def overview() -> str:
    """The rules, in the order in which they apply; those in one state only when one is asked for."""
    database = services().database
    found = rules.list_rules(database)
    matches = rules.count_all_matches(database)
    asked = request.args.get("state", "")
    return render_template(
        "web/rules.html",
        lines=[_line(rule, matches.get(rule.name)) for rule in found if asked in ("", rule.state)],
        states=Counter(rule.state for rule in found),
        asked=asked,
        deleted=request.args.get("deleted"),
    )


@views.get("/new")
def new() -> ResponseReturnValue:
    """An empty form."""
    return _show(RuleForm(), None)


@views.post("/new")
def create() -> ResponseReturnValue:
    """Store a rule that there is not yet."""
    return _store(RuleForm.sent(request.form.get("name", "").strip(), request.form), None)


@views.get("/<name>/edit")
def edit(name: str) -> ResponseReturnValue:
    """The form, filled with a rule."""
    rule = rules.get_rule(services().database, name)
    return _show(RuleForm.of(rule), rule)


@views.post("/<name>/edit")
def save(name: str) -> ResponseReturnValue:
    """Replace all of a rule by what the form says, unless somebody else has changed it since the form was filled."""
    rule = rules.get_rule(services().database, name)
    return _store(RuleForm.sent(name, request.form), rule)


@views.post("/<name>/enabled")
def enable(name: str) -> ResponseReturnValue:
    """Switch a rule on or off."""
    rules.enable_rule(services().database, name, request.form.get("enabled") == "1")
    return redirect(url_for("shelf.rules.overview", state=request.args.get("state") or None), 303)


@views.get("/<name>/delete")
def ask_to_delete(name: str) -> str:
    """Whether the rule is really to go."""
    rule = rules.get_rule(services().database, name)
    matches = rules.count_all_matches(services().database).get(name)
    return render_template("web/rule_delete.html", line=_line(rule, matches))


@views.post("/<name>/delete")
def delete(name: str) -> ResponseReturnValue:
    """Remove the rule."""
    rules.delete_rule(services().database, name)
    return redirect(url_for("shelf.rules.overview", deleted=name), 303)


@views.get("/preview")
def preview() -> str:
    """The part of the form that says which products it is about."""
    form = RuleForm.sent("", request.args)
    return render_template("web/_rule_aim.html", form=form, aim=_aim(form))


def _store(form: RuleForm, rule: Rule | None) -> ResponseReturnValue:
    database = services().database
    if "preview" in request.form:
        return _show(form, rule)
    try:
        if rule is None:
            rules.create_rule(database, form.name, form.data())
        else:
            rules.put_rule(database, form.name, form.data(), unchanged_since=form.unchanged_since())
    except InvalidInput as error:
        _note(form, error)
        return _show(form, rule)
    except Conflict as error:
        sentence = str(error)
        form.problems["name" if rule is None else ""] = sentence[:1].upper() + sentence[1:] + "."
        return _show(form, rule, HTTPStatus.CONFLICT)
    return redirect(url_for("shelf.rules.edit", name=form.name, saved=1), 303)


def _note(form: RuleForm, error: InvalidInput) -> None:
    """Say what is wrong beside the field that it stands in: category and brand are fields of their own."""
    if form.category and error.field in ("filter.under", "filter.all[0].under"):
        form.problems["category"] = f"There is no category {form.category}."
        return
    try:
        # Alone, so that the place in the message is the one in the field.
        others = form.other_conditions()
        if others is not None:
            rules.count_matches(services().database, others)
    except InvalidInput as nearer:
        error = nearer
    form.note_problem(error)


def _show(
    form: RuleForm, rule: Rule | None, refused: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY
) -> ResponseReturnValue:
    database = services().database
    page = render_template(
        "web/rule_form.html",
        form=form,
        rule=rule,
        aim=_aim(form),
        categories=paths(list_categories(database)),
        brands=rules.list_brands(database),
        saved=bool(request.args.get("saved")) and request.method == "GET",
    )
    return page, refused if form.problems else HTTPStatus.OK


def _aim(form: RuleForm) -> Aim:
    database = services().database
    products = count_products(database)
    if form.action == "pin":
        cards = read_cards(database, [form.sku])
        return Aim(len(cards) if form.sku else None, products, cards)
    try:
        rule_filter = form.rule_filter()
        if rule_filter is None:
            return Aim(None, products, [])
        matches = rules.count_matches(database, rule_filter, check_categories=False)
        cards = read_cards(database, rules.matching_skus(database, rule_filter, EXAMPLES))
    except InvalidInput as error:
        _note(form, error)
        return Aim(None, products, [])
    try:
        rules.count_matches(database, rule_filter)
    except InvalidInput as error:
        return Aim(matches, products, cards, str(error))
    return Aim(matches, products, cards)


def _line(rule: Rule, matches: int | None) -> Line:
    category, brand, others = take_apart(rule.filter)
    written = "" if others is None else write_conditions(others)
    return Line(rule, category, brand, written, matches, _schedule(rule))


def _schedule(rule: Rule) -> str:
    """``from 4 May 2026 12:00 until 5 May 2026 00:00 UTC``, or nothing."""
    said = [
        f"{word} {day(utc)} {utc:%H:%M}"
        for word, moment in (("from", rule.starts_at), ("until", rule.ends_at))
        if moment is not None and (utc := moment.astimezone(UTC))
    ]
    return f"{' '.join(said)} UTC" if said else ""
