"""Products that no fitted projection of a space was trained on: only on them does a link count as held out."""

from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from backend.database.connection import Database, Row
from backend.evaluation.signals import SQL
from backend.spaces.fitting import SAMPLE
from backend.spaces.models import ModelSummary, list_models
from backend.spaces.projections.catalogue import read_catalogue
from backend.spaces.projections.held_out import part
from backend.spaces.space import Space


@dataclass(frozen=True)
class Unseen:
    """What can be asked of a space that learned from the catalogue's links.

    ``products``: those that its fit kept apart with all their kin, and those it never looked at; None: all may be
    asked, because nothing was learned, or because it cannot be told any more. ``note`` says which, for people.
    """

    products: frozenset[int] | None
    note: str | None


def unseen_products(database: Database, connection: Connection[Row], space: Space) -> Unseen:
    """The products that were kept apart when the space's learned projections were fitted.

    The fit's sample and split depend on the catalogue and its seed alone (``fitting.fit``), so they are drawn again
    and checked against the counts that the fit noted.
    """
    reports = [model.report for model in list_models(database, space.id) if _is_learned(model)]
    if not reports:
        return Unseen(None, None)
    report = reports[0]
    newest = connection.execute(SQL["newest_product"]).fetchone()
    only = None
    if space.created_at is not None and newest and newest[0] and newest[0] > space.created_at:
        only = [row[0] for row in connection.execute(SQL["made_until"], {"at": space.created_at}).fetchall()]
    catalogue = read_catalogue(database, only, SAMPLE, report["seed"])
    training, held_out = part(catalogue.links.kin(catalogue.photographs), report["seed"])
    kept_apart = int(report.get("held_out", {}).get("products", 0))
    if (len(catalogue.ids), len(held_out)) != (report.get("sample"), kept_apart):
        return Unseen(
            None,
            f"{space.name}: its projections learned from variants and categories of this catalogue, which has changed "
            "since, so that nobody can tell which products they were trained on: its figures on variants and article "
            "types are of links it may have learned. Fit a new space to have products kept apart",
        )
    if not kept_apart and only is None and len(catalogue.ids) < SAMPLE:
        return Unseen(
            None,
            f"{space.name}: its projections learned from variants and categories of all products, none were kept "
            "apart: its figures on variants and article types are of links it learned",
        )
    trained = {catalogue.ids[place] for place in training.tolist()}
    others = {row[0] for row in connection.execute(SQL["pool_ids"])} - trained
    note = (
        f"{space.name}: its projections learned from variants and categories of {len(trained):,} products; variants "
        f"and article types are asked of the {len(others):,} others alone"
    )
    return Unseen(frozenset(others), note + _bought(report))


def _is_learned(model: ModelSummary) -> bool:
    return model.part == "projection" and model.method == "learned"


def _bought(report: dict[str, Any]) -> str:
    taught = report.get("training", {}).get("weights", {}).get("bought")
    if not taught:
        return ""
    return "; it also learned from purchases up to the day it was made, after the cut or not"
