"""ratings: training rating predictors, reading their reports, predicting stars."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend.cli.describing import shown_progress, size_text
from backend.cli.opened import opened_database, show_table
from backend.cli.rating_tables import show_predictions, show_product_report, show_report
from backend.errors import InvalidInput
from backend.settings import settings

if TYPE_CHECKING:
    from backend.database.connection import Database
    from backend.ratings.corpus import Example
    from backend.ratings.learning import Plan
    from backend.ratings.models import Form

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.group()
def ratings() -> None:
    """How many stars a review gives, from what it says and shows: train, report, predict."""


@ratings.command()
@click.option(
    "--form",
    type=click.Choice(["fine-tuned", "frozen-mlp", "baseline", "all"]),
    default="all",
    show_default=True,
    help="What is trained and kept; the baseline is measured beside it in any case.",
)
@click.option("--data", type=FILE, help="Reviews as .csv or .jsonl, also .gz; without it those of the database.")
@click.option("--name", help="Name of the model; with --form all each form's name is put behind it.")
@click.option("--folds", default=5, show_default=True, type=click.IntRange(2, 50), help="Parts, by whole products.")
@click.option(
    "--measured", default=1, show_default=True, type=click.IntRange(1, 50), help="Parts that are tested in turn."
)
@click.option("--report", "out", type=DIRECTORY, help="Write page, figures and charts into this directory.")
@click.option("--text", metavar="ENCODER", help="Of frozen features; SHELFMATE_TEXT_ENCODER unless said otherwise.")
@click.option("--image", metavar="ENCODER", help="The same for photographs; SHELFMATE_IMAGE_ENCODER.")
@click.option("--images/--no-images", default=True, help="Whether the products' photographs are read too.")
@click.option("--ablation/--no-ablation", default=True, help="Train again without each part, to see what it is worth.")
@click.option(
    "--random-split/--no-random-split", default=True, help="Show what a split by single reviews would pretend."
)
@click.option("--default/--no-default", default=True, help="Whether the best of them answers where none is named.")
@click.option("--seed", default=0, show_default=True)
def train(
    form: str,
    data: Path | None,
    name: str | None,
    folds: int,
    measured: int,
    out: Path | None,
    text: str | None,
    image: str | None,
    images: bool,
    ablation: bool,
    random_split: bool,
    default: bool,
    seed: int,
) -> None:
    """Train and measure rating predictors, and keep them.

    Under torchrun the same command trains on all its processes; the first of them writes.
    """
    from backend.ratings import distributed, page
    from backend.ratings.ablation import PARTS
    from backend.ratings.corpus import clean
    from backend.ratings.learning import Plan, learn
    from backend.ratings.models import FORMS
    from backend.ratings.side_by_side import Encoders
    from backend.ratings.store import check_names_free

    plan = Plan(
        forms=tuple(one for one in FORMS if form in (one, "all")),
        folds=folds,
        measured=measured,
        seed=seed,
        encoders=Encoders(text or settings().text_encoder, image or settings().image_encoder),
        parts=PARTS if ablation else (),
        random_split=random_split,
    )
    base = name or f"{form}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    names: dict[Form, str] = {one: f"{base}-{one}" if form == "all" else base for one in plan.forms}
    with distributed.joined() as world, opened_database() as database:
        check_names_free(database, list(names.values()))
        corpus = clean(_examples(database, data, images))
        with shown_progress() as show:
            learnt = learn(
                corpus, plan, name=base, source=data.name if data else "database", say=show if world.writes else None
            )
        if not world.writes:
            return
        _keep(database, learnt.models, names, learnt.fingerprint, learnt.report.to_json(), plan, default)
        show_report(learnt.report)
        if out is not None:
            click.echo(f"{page.write(learnt.report, out)[0]} and {out / page.CHARTS}")


@ratings.command(name="list")
def list_() -> None:
    """Every model: what it reads, how it did, which answers."""
    from backend.ratings.store import list_models, list_reports

    with opened_database() as database:
        models, reports = list_models(database), list_reports(database)
    if not models:
        click.echo("no model is trained: shelfmate ratings train makes one")
        return
    show_table(
        ["model", "form", "", "measured", "size", "trained", "data"],
        [
            [
                model.name,
                model.form,
                "answers" if model.is_default else "",
                _measured(model.form, reports.get(model.id, {})),
                size_text(model.size),
                f"{model.created_at:%Y-%m-%d %H:%M}",
                model.fingerprint.hex()[:12],
            ]
            for model in models
        ],
    )


@ratings.command()
@click.argument("name", required=False)
@click.option("--out", type=DIRECTORY, help="Write page, figures and charts into this directory.")
def report(name: str | None, out: Path | None) -> None:
    """What was measured when the model NAME, or the one that answers, was trained."""
    from backend.ratings import page
    from backend.ratings.report import read_report
    from backend.ratings.store import find_model, read_model_report

    with opened_database() as database:
        model = find_model(database, name)
        content = read_model_report(database, model)
    if model.reads_products:
        if out is not None:
            raise InvalidInput(f"{model.name} rates products: its report has no page", field="out")
        show_product_report(content)
        return
    found = read_report(content)
    show_report(found)
    if out is not None:
        click.echo(f"{page.write(found, out)[0]} and {out / page.CHARTS}")


@ratings.command()
@click.option("--model", metavar="NAME", help="Which model; without it the one that answers.")
@click.option("--file", "file", type=FILE, help="Reviews to predict, as for train; ratings in it are not looked at.")
@click.option("--unrated", is_flag=True, help="Expected stars of every product without reviews, kept in the database.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV for --file; without it the terminal.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="How many are shown.")
def predict(model: str | None, file: Path | None, unrated: bool, out: Path | None, limit: int) -> None:
    """Predict stars: of reviews in a FILE, or of products that nobody reviewed."""
    if (file is None) == (not unrated):
        raise InvalidInput("name one of --file and --unrated", field="file")
    with opened_database() as database:
        if file is None:
            _predict_products(database, model, limit)
        else:
            _predict_reviews(database, model, file, out, limit)


@ratings.command()
@click.argument("name")
def use(name: str) -> None:
    """Let the model NAME answer where none is named."""
    from backend.ratings.store import use_model

    with opened_database() as database:
        used = use_model(database, name)
    click.echo(f"{used.name} answers from now on for {'products' if used.reads_products else 'reviews'}")


@ratings.command()
@click.argument("name")
def delete(name: str) -> None:
    """Forget the model NAME and what it predicted."""
    from backend.ratings.store import delete_model

    with opened_database() as database:
        delete_model(database, name)
    click.echo(f"{name} is gone")


def _examples(database: "Database", data: Path | None, images: bool) -> "list[Example]":
    from dataclasses import replace

    from backend.ratings.corpus import read_database
    from backend.ratings.files import read_file

    if data is None:
        return read_database(database, images=images)
    found = read_file(data)
    return found if images else [replace(example, image=None) for example in found]


def _keep(
    database: "Database",
    models: "dict[Form, bytes]",
    names: "dict[Form, str]",
    fingerprint: bytes,
    report: dict[str, object],
    plan: "Plan",
    default: bool,
) -> None:
    from backend.ratings.report import read_report
    from backend.ratings.store import save_model

    measured = read_report(report)
    best = min(plan.forms, key=lambda form: measured.of(form).measures.mae)
    for form, weights in models.items():
        kept = save_model(
            database,
            names[form],
            form,
            weights,
            fingerprint=fingerprint,
            report=report,
            default=default and form == best,
        )
        answers = ", answers from now on" if kept.is_default else ""
        click.echo(f"{kept.name} is kept: {kept.form}, {size_text(kept.size)}{answers}")


def _predict_products(database: "Database", model: str | None, limit: int) -> None:
    from backend.ratings.predictions import list_predictions, predict_unrated

    with shown_progress() as show:
        outcome = predict_unrated(database, name=model, say=show)
    if outcome.report:
        show_product_report(outcome.report)
    click.echo(f"{outcome.predicted:,} products without reviews have expected stars, by the model {outcome.model}")
    found, _, _ = list_predictions(database, limit)
    if found:
        show_table(
            ["sku", "title", "expected", "1 to 5 stars"],
            [
                [
                    one.sku,
                    one.title[:60],
                    f"{one.expected:.2f}",
                    " ".join(f"{share:.2f}" for share in one.probabilities),
                ]
                for one in found
            ],
        )


def _predict_reviews(database: "Database", model: str | None, file: Path, out: Path | None, limit: int) -> None:
    from backend.ratings.files import read_file
    from backend.ratings.loaded import LoadedModels

    examples = read_file(file, rated=False)
    if not examples:
        raise InvalidInput(f"{file} holds no review", field="file")
    if out is not None and not out.parent.is_dir():
        raise InvalidInput(f"there is no directory {out.parent} to write {out.name} into: make it first", field="out")
    stored, rated = LoadedModels(database).rate(examples, model)
    click.echo(f"{len(rated):,} reviews rated by {stored.name} ({stored.form})", err=True)
    show_predictions(examples, rated, out, limit)


def _measured(form: str, report: dict[str, object]) -> str:
    from backend.ratings.report import read_report

    if form == "product-ridge":
        return "better than the mean" if report["better_than_mean"] else "no better than the mean"
    try:
        found = read_report(report)
    except InvalidInput:
        # It can still be listed, and deleted; ratings report says what is wrong with it.
        return "by another version: train again"
    measures = next(result.measures for result in found.forms if result.form == form)
    return f"{measures.mae:.3f} stars off, accuracy {measures.accuracy:.3f}, kappa {measures.quadratic_kappa:.3f}"
