"""Every error of the pages as a page."""

import logging
from http import HTTPStatus

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from backend.errors import NotReady, ShelfmateError

log = logging.getLogger("shelfmate.http")

_HEADINGS = {
    HTTPStatus.BAD_REQUEST: "That did not make sense to us",
    HTTPStatus.UNAUTHORIZED: "This door needs a key",
    HTTPStatus.FORBIDDEN: "Not from here",
    HTTPStatus.NOT_FOUND: "This shelf is empty",
    HTTPStatus.METHOD_NOT_ALLOWED: "Not in this way",
    HTTPStatus.CONFLICT: "Not yet",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That file is too large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke on our side",
    HTTPStatus.SERVICE_UNAVAILABLE: "We are not open at the moment",
}
_OUR_FAULT = "Shelfmate could not answer; its log says why."


def register(pages: Blueprint) -> None:
    """Answer errors raised in the blueprint, or in one inside it."""

    @pages.errorhandler(ShelfmateError)
    def ours(error: ShelfmateError) -> ResponseReturnValue:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("%s %s: %s", request.method, request.path, error)
            if not isinstance(error, NotReady):
                return _page(error.status, _OUR_FAULT)
        headers = {}
        if isinstance(error, NotReady) and error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        return *_page(error.status, str(error)), headers

    @pages.errorhandler(HTTPException)
    def frameworks(error: HTTPException) -> ResponseReturnValue:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        if status < HTTPStatus.BAD_REQUEST:
            return error.get_response()
        details = {
            HTTPStatus.NOT_FOUND: f"Nothing is at {request.path}. It may have been moved, or never was.",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"At most {request.max_content_length:,} bytes are accepted.",
        }
        return _page(status, details.get(status) or error.description or status.description)

    @pages.errorhandler(Exception)
    def unforeseen(error: Exception) -> ResponseReturnValue:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return _page(HTTPStatus.INTERNAL_SERVER_ERROR, _OUR_FAULT)


def _page(status: HTTPStatus, detail: str) -> tuple[str, int]:
    heading = _HEADINGS.get(status, status.phrase)
    sentence = detail[:1].upper() + detail[1:]
    return render_template("web/error.html", status=int(status), heading=heading, detail=sentence), int(status)
