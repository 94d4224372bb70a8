"""space: making, trying, activating and dropping embedding spaces."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from backend.cli.describing import block_text, describe, report_lines, shown_progress, size_text
from backend.cli.opened import opened_database, show_table
from backend.errors import InvalidInput
from backend.settings import settings

if TYPE_CHECKING:
    from backend.database.connection import Database


FILL = click.option(
    "--fill/--no-fill", default=True, help="Embed the catalogue here and now, or leave it to workers that run."
)


@click.group()
def space() -> None:
    """Embedding spaces: the recipes that vectors are made by.

    A new one is filled beside the active one, compared with it, and activated in one short transaction.
    """


@space.command(name="list")
def list_() -> None:
    """Every space with its recipe, its state and how far it is filled."""
    from backend.spaces.watching import list_overviews

    with opened_database() as database:
        overviews = list_overviews(database)
    show_table(
        ["space", "state", "text", "image", "reviews", "dimensions", "embedded", "size", ""],
        [
            [
                item.space.name,
                item.space.state,
                block_text(item.space.text_encoder, item.space.text_projection, item.space.text_weight),
                block_text(item.space.image_encoder, item.space.image_projection, item.space.image_weight),
                block_text(item.space.reviews_encoder, item.space.reviews_projection, item.space.reviews_weight),
                str(sum(item.space.dimensions)),
                f"{item.fill.embedded:,} of {item.fill.products:,}",
                size_text(item.bytes),
                item.note,
            ]
            for item in overviews
        ],
    )


@space.command()
@click.argument("name")
def show(name: str) -> None:
    """Everything that is known of a space: recipe, fitted models, fill, indexes, size."""
    from backend.spaces.life import find_space
    from backend.spaces.models import list_models
    from backend.spaces.watching import list_overviews

    with opened_database() as database:
        found = find_space(database, name)
        overviews = list_overviews(database)
        models = list_models(database, found.id)
    names = {item.space.id: item.space.name for item in overviews}
    (overview,) = (item for item in overviews if item.space.id == found.id)
    for label, value in describe(overview, names):
        click.echo(f"{label:>10}  {value}")
    for model in models:
        sizes = f"{model.input_dimensions} -> " if model.input_dimensions else ""
        click.echo(
            f"{'fitted':>10}  {model.modality} {model.part}: {model.method}, {sizes}{model.output_dimensions} "
            f"dimensions, {size_text(model.bytes)}"
        )
        for line in report_lines(model.report):
            click.echo(f"{'':>10}    {line}")


@space.command()
@click.argument("name")
@click.option("--recipe", help="A named recipe; without one and without encoders the one that measures best, default.")
@click.option("--text", metavar="ENCODER", help="Encoder of the texts, such as minilm; none for no text.")
@click.option(
    "--text-inputs",
    metavar="TEXTS",
    help="What is encoded of a product, such as title or title,title+description:300. Texts between commas are encoded "
    "apart and joined.",
)
@click.option("--image", metavar="ENCODER", help="Encoder of the photographs, such as resnet50; none for no images.")
@click.option("--reviews", metavar="ENCODER", help="Encoder of the reviews, such as minilm; none for no reviews.")
@click.option(
    "--projection",
    "projections",
    multiple=True,
    metavar="[text=|image=|reviews=]METHOD[:DIMENSIONS]",
    help="Fitted on the catalogue, after the encoder: pca, half-whitened, svd, learned (not of reviews), or none. May "
    "be given several times.",
)
@click.option("--weights", metavar="text=.5,image=.3,reviews=.2", help="How much each modality counts.")
@click.option("--kernel", help="cosine, or linear: vectors keep their lengths and every ranking is exact.")
@FILL
def create(
    name: str,
    recipe: str | None,
    text: str | None,
    text_inputs: str | None,
    image: str | None,
    reviews: str | None,
    projections: tuple[str, ...],
    weights: str | None,
    kernel: str | None,
    fill: bool,
) -> None:
    """Make the space NAME and fill it beside the active one, which goes on answering."""
    from backend.spaces.making import make_space
    from backend.spaces.recipe import choose_recipe

    with opened_database() as database, _options_named():
        chosen = choose_recipe(
            recipe=recipe,
            text=text,
            text_inputs=text_inputs,
            image=image,
            reviews=reviews,
            projections=projections,
            weights=weights,
            kernel=kernel,
        )
        with shown_progress() as report:
            made = make_space(database, name, chosen, report)
        blocks = " + ".join(str(size) for size in made.dimensions if size)
        click.echo(f"{name} is made: {blocks} dimensions")
        if fill:
            _fill(database)
        _say_what_next(database, name)


@space.command()
@click.argument("name")
@click.argument("other", required=False)
@click.option("--sample", default=200, show_default=True, type=click.IntRange(10, 5000), help="Products asked of both.")
@click.option("--k", default=10, show_default=True, type=click.IntRange(1, 100), help="Answers to each.")
@click.option("--json", "as_json", is_flag=True, help="Every figure, for programs.")
def compare(name: str, other: str | None, sample: int, k: int, as_json: bool) -> None:
    """Put the space NAME beside OTHER, or beside the active one: overlap, recall, quality, latency, size."""
    from backend.evaluation.compare import compare as measure
    from backend.evaluation.table import rows
    from backend.spaces.life import find_space
    from backend.spaces.space import active_space

    with opened_database() as database:
        find_space(database, name)
        beside = find_space(database, other).name if other else active_space(database).name
        if beside == name:
            raise click.UsageError(f"{name} is the active space itself: name another one to compare it with")
        found = measure(database, beside, name, sample=sample, k=k, report=lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        show_table(*rows(found))


@space.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Also a space that is not filled yet, or lacks products.")
def activate(name: str, force: bool) -> None:
    """Answer queries from the space NAME, at once and in one transaction."""
    from backend.spaces.life import activate as switch
    from backend.spaces.space import active_space

    with opened_database() as database:
        before = active_space(database).name
        if before == name:
            click.echo(f"{name} is active already")
            return
        began = time.perf_counter()
        switch(database, name, force=force)
        seconds = time.perf_counter() - began
    click.echo(
        f"{name} answers now, after {seconds:.2f} s. {before} is kept up: shelfmate space rollback goes back to it."
    )


@space.command()
@click.option("--force", is_flag=True, help="Also to a space that lacks products.")
def rollback(force: bool) -> None:
    """Answer queries again from the space that was active before."""
    from backend.spaces.life import roll_back
    from backend.spaces.space import active_space

    with opened_database() as database:
        before = active_space(database).name
        began = time.perf_counter()
        back = roll_back(database, force=force)
        seconds = time.perf_counter() - began
    click.echo(f"{back.name} answers again, after {seconds:.2f} s. {before} is kept up still.")


@space.command()
@click.argument("name")
def retire(name: str) -> None:
    """Keep the space NAME up no more; its vectors stay until it is resumed or dropped."""
    from backend.spaces.life import retire as end

    with opened_database() as database:
        end(database, name)
    click.echo(f"{name} is kept up no more: shelfmate space resume or drop {name} fills it again or deletes it")


@space.command()
@click.argument("name")
@FILL
def resume(name: str, fill: bool) -> None:
    """Fill the retired space NAME again; what has not changed is not encoded anew."""
    from backend.spaces.life import resume as begin

    with opened_database() as database:
        begin(database, name)
        if fill:
            _fill(database)
        _say_what_next(database, name)


@space.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Without asking.")
def drop(name: str, yes: bool) -> None:
    """Delete the space NAME with its vectors, indexes and fitted models."""
    from backend.errors import Conflict
    from backend.spaces.dropping import drop_space
    from backend.spaces.watching import list_overviews

    with opened_database() as database:
        found = next((item for item in list_overviews(database) if item.space.name == name), None)
        if found is not None:
            if found.space.state == "active":
                raise Conflict(f"the embedding space {name} is active: activate another one first")
            if not yes:
                click.confirm(
                    f"This deletes the vectors of {found.fill.embedded:,} products, {size_text(found.bytes)}. Go on?",
                    abort=True,
                )
        drop_space(database, name, report=click.echo)
    click.echo(f"{name} is dropped")


def _fill(database: "Database") -> None:
    from backend.processes import stop_on_signals
    from workers.progress import Progress, log_to_terminal
    from workers.worker import Worker

    console = log_to_terminal()
    hand = Worker(database, settings(), Progress(console), drain=True)
    stop_on_signals(hand.stopping)
    hand.run()


def _say_what_next(database: "Database", name: str) -> None:
    from backend.spaces.watching import list_overviews

    (item,) = (item for item in list_overviews(database) if item.space.name == name)
    if item.space.state == "building":
        click.echo(
            f"workers fill it (shelfmate up, or shelfmate worker): shelfmate space show {name} says how far they are"
        )
        return
    dead = "" if not item.fill.dead else f", {item.fill.dead:,} could not be: shelfmate jobs list --state dead says why"
    click.echo(f"{name} is filled: {item.fill.embedded:,} products, {size_text(item.bytes)}{dead}")
    click.echo(f"next: shelfmate space compare {name}, then shelfmate space activate {name}")


@contextmanager
def _options_named() -> Iterator[None]:
    """An option that cannot be used is named as it was written."""
    try:
        yield
    except InvalidInput as error:
        if error.field is None:
            raise
        hint = "NAME" if error.field == "name" else f"--{error.field.replace('_', '-')}"
        raise click.BadParameter(str(error), param_hint=hint) from error
