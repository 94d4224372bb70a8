"""Spaces and what goes on with them, in words for the terminal."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from backend.spaces.watching import Overview

# What a line of progress counts with.
FIGURES = re.compile(r"[\d.,%]+")
SECONDS_BETWEEN_LINES = 10


@contextmanager
def shown_progress() -> Iterator[Callable[[str], None]]:
    """Shows lines as they come: on a terminal one that changes, elsewhere those that say something new."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as status:
            yield status.update
        return
    said, at = "", 0.0

    def show(line: str) -> None:
        nonlocal said, at
        # A line that differs by its figures alone has said its thing; after a while it is news again.
        plain = FIGURES.sub("", line)
        if plain != said or time.monotonic() - at >= SECONDS_BETWEEN_LINES:
            said, at = plain, time.monotonic()
            click.echo(line, err=True)

    yield show


def describe(item: "Overview", names: dict[int, str]) -> Iterator[tuple[str, str]]:
    """What is known of a space, by label; ``names`` are those of the spaces by id."""
    this = item.space
    yield "space", f"{this.name} (id {this.id})"
    yield "state", this.state + (f": {item.note}" if item.note else "")
    yield "recipe", this.recipe or "of its own"
    if this.text_encoder:
        block = block_text(this.text_encoder, this.text_projection, this.text_weight)
        yield "text", f"{block}, {this.text_dimensions} dimensions"
        yield "", f"of {' and '.join(this.text_inputs)}"
    if this.image_encoder:
        block = block_text(this.image_encoder, this.image_projection, this.image_weight)
        yield "image", f"{block}, {this.image_dimensions} dimensions"
    if this.reviews_encoder:
        block = block_text(this.reviews_encoder, this.reviews_projection, this.reviews_weight)
        encoded = "" if item.reviews is None else f", {item.reviews[0]:,} of {item.reviews[1]:,} encoded"
        yield "reviews", f"{block}, {this.reviews_dimensions} dimensions{encoded}"
    yield "kernel", this.kernel
    yield (
        "products",
        f"{item.fill.embedded:,} of {item.fill.products:,}, {item.fill.waiting:,} waiting, {item.fill.dead:,} dead",
    )
    for index in item.indexes:
        share = "" if index.built is None else f", {index.built:.0%}"
        state = "whole" if index.whole else f"{index.phase}{share}" if index.phase else "not built"
        yield "index", f"{index.column}: {state}, {size_text(index.bytes)}"
    each = f", {item.bytes / item.fill.embedded:,.0f} bytes a product" if item.fill.embedded else ""
    yield "size", f"{size_text(item.bytes)}{each}"
    if this.previous_id in names:
        yield "before it", f"{names[this.previous_id]}: a rollback goes there"
    for label, at in (("made", this.created_at), ("filled", this.filled_at), ("activated", this.activated_at)):
        if at is not None:
            yield label, f"{at:%Y-%m-%d %H:%M:%S}"


def report_lines(report: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """A report as people read it: what is flat in one line, what has parts under its name."""
    flat = {key: value for key, value in report.items() if not isinstance(value, Mapping)}
    if flat:
        yield indent + ", ".join(f"{key} {value}" for key, value in flat.items())
    for key, value in report.items():
        if isinstance(value, Mapping):
            inner = list(report_lines(value))
            yield f"{indent}{key}: {inner[0]}" if len(inner) == 1 else f"{indent}{key}:"
            if len(inner) > 1:
                yield from report_lines(value, indent + "  ")


def block_text(encoder: str | None, projection: str | None, weight: float) -> str:
    """A block of a space in a few signs, such as ``minilm > learned x 0.5``; empty without an encoder."""
    if encoder is None:
        return ""
    return encoder + (f" > {projection}" if projection else "") + f" x {weight:.3g}"


def size_text(size: int) -> str:
    """Bytes in the unit that fits them."""
    for unit, one in (("GB", 2**30), ("MB", 2**20)):
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size / 2**10:.0f} kB"
