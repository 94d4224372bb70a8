"""The admin's page of retrieval: how much of the truth the indexes find, how well they are, what upkeep changed."""

from flask import Blueprint, render_template

from backend.recommend.retrieval_state import FILTER_CLASSES, read_retrieval_state
from backend.web.blueprint import services

views = Blueprint("retrieval", __name__, url_prefix="/admin/retrieval")


@views.get("")
def overview() -> str:
    """Recall by filter class, settings, indexes, changes and days."""
    return render_template(
        "web/retrieval.html", retrieval=read_retrieval_state(services().database), classes=FILTER_CLASSES
    )
