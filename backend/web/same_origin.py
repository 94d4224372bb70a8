"""Forms that change something are taken from our own pages only."""

from flask import abort, request

from backend.origin import SAFE_METHODS, is_from_elsewhere


def check_form() -> None:
    """Refuse a form that another site made the visitor's browser send, before any view of a blueprint sees it.

    Raises:
        Forbidden: the request came from elsewhere, or does not say where from: that is no browser, and has the API.
    """
    if request.method not in SAFE_METHODS and is_from_elsewhere(request) is not False:
        abort(403, "The form must be sent from a page of this shop; programs use the API (/docs).")
