"""Whether a request that changes something was sent from one of our own pages."""

from urllib.parse import urlsplit

from flask import Request, abort


def require_same_origin(request: Request) -> None:
    """Refuse a form that another site made the visitor's browser send.

    Browsers say so by Sec-Fetch-Site (W3C Fetch Metadata), older ones by Origin; whoever sends neither is no browser,
    and has the API.

    Raises:
        Forbidden: the request came from elsewhere, or does not say where from.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    same = site == "same-origin" if site is not None else origin is not None and urlsplit(origin).netloc == request.host
    if not same:
        abort(403, "The form must be sent from a page of this shop; programs use the API (/docs).")
