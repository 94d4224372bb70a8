"""Reports of rating models and what they predict, on the terminal."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.cli.opened import show_table

if TYPE_CHECKING:
    from backend.evaluation.intervals import Estimate
    from backend.ratings.corpus import Example
    from backend.ratings.loaded import Rated
    from backend.ratings.report import Report

NAMES = {
    "accuracy": "accuracy",
    "skill": "skill",
    "macro_f1": "macro F1",
    "mae": "MAE",
    "quadratic_kappa": "kappa",
    "within_one": "within one",
}
COLUMNS = ["review_id", "product", "stars", "expected", "p1", "p2", "p3", "p4", "p5"]


def show_report(report: "Report") -> None:
    """Print the data, the forms side by side, the ablation, and the gap to a random split."""
    data, held = report.data, report.held
    click.echo(
        f"{data.read:,} reviews of {data.source}: {data.used:,} used, {data.duplicates:,} duplicates removed, "
        f"{data.unrated:,} without a rating, {data.blank:,} blank; {data.title_marked:,} titles said the rating and "
        f"were stripped; data {data.fingerprint[:12]}"
    )
    click.echo(
        f"{held.tested:,} test reviews in {held.measured} of {held.folds} folds, kept apart by {held.grouped_by}; "
        f"always the most frequent rating: accuracy {report.forms[0].measures.majority:.3f}"
    )
    if held.note:
        click.echo(held.note)
    show_table(
        ["form", *NAMES.values(), "ECE"],
        [
            [
                result.form,
                *(_with_interval(result.intervals[name]) for name in NAMES),
                f"{result.calibration.ece:.3f}",
            ]
            for result in report.forms
        ],
    )
    compared = [result for result in report.forms if result.against_baseline]
    if compared:
        show_table(
            ["less the baseline", *NAMES.values()],
            [
                [result.form, *(_difference(result.against_baseline[name]) for name in NAMES)]
                for result in compared
                if result.against_baseline
            ],
        )
    _show_ablation(report)
    for gap in report.gaps:
        parts = [
            f"{NAMES[name]} {value:.3f} at random, {gap.grouped[name]:.3f} grouped ({value - gap.grouped[name]:+.3f})"
            for name, value in gap.random.items()
        ]
        click.echo(f"what a random split would pretend, {gap.form}: {'; '.join(parts)}")


def _show_ablation(report: "Report") -> None:
    if report.ablation is None:
        return
    if report.ablation.without:
        show_table(
            [f"{report.ablation.form} without", "MAE", "with it, less", "accuracy, more", "verdict"],
            [
                [
                    one.part,
                    _with_interval(one.measures["mae"]),
                    _difference(one.gain["mae"]),
                    _difference(one.gain["accuracy"]),
                    one.verdict,
                ]
                for one in report.ablation.without
            ],
        )
    for reason in report.ablation.not_tried:
        click.echo(f"not tried without {reason}")


def show_product_report(report: dict[str, Any]) -> None:
    """Print how well products' mean stars were foretold."""
    from pydantic import TypeAdapter

    from backend.ratings.predictions import ProductReport

    found = TypeAdapter(ProductReport).validate_python(report)
    click.echo(
        f"learnt from {found.products:,} products with {found.reviews:,} reviews in the space {found.space}; squared "
        f"error less that of the mean: {_difference(found.gain)}"
    )
    click.echo(found.verdict)


def show_predictions(examples: Sequence["Example"], rated: Sequence["Rated"], out: Path | None, limit: int) -> None:
    """Write every prediction into a CSV file, or print the first of them."""
    rows = [
        [
            example.review_id or "",
            example.product,
            str(one.stars),
            f"{one.expected:.3f}",
            *(f"{share:.4f}" for share in one.probabilities),
        ]
        for example, one in zip(examples, rated, strict=True)
    ]
    if out is not None:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows)
        click.echo(str(out))
        return
    show_table(COLUMNS, rows[:limit])
    if len(rows) > limit:
        click.echo(f"the first {limit} of {len(rows):,}; --out writes all")


def _with_interval(estimate: "Estimate") -> str:
    return f"{estimate.mean:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _difference(estimate: "Estimate") -> str:
    return f"{estimate.mean:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"
