"""Where a request was sent from: one of our own pages, or another site that makes a visitor's browser send it."""

from urllib.parse import urlsplit

from flask import Request

# They change nothing (RFC 9110, 9.2.1).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_from_elsewhere(request: Request) -> bool | None:
    """Whether another site sent it; None of what does not say, as programs do.

    Browsers say so by Sec-Fetch-Site (W3C Fetch Metadata), older ones by Origin. What was typed into the address bar is
    from nowhere (None).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return None if site == "none" else site != "same-origin"
    origin = request.headers.get("Origin")
    return None if origin is None else urlsplit(origin).netloc != request.host
