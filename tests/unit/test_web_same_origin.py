"""Which forms the admin pages take."""

import pytest
from flask import Flask
from flask.ctx import AppContext
from werkzeug.exceptions import Forbidden

from backend.web.same_origin import check_form


def sent(headers: dict[str, str], method: str = "POST") -> AppContext:
    """A form sent to http://shop.example:8000."""
    return Flask(__name__).test_request_context(
        "/admin/new", "http://shop.example:8000", method=method, headers=headers
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://shop.example:8000"},
        {"Origin": "http://shop.example:8000"},
    ],
)
def test_forms_of_our_own_pages_are_taken(headers: dict[str, str]) -> None:
    with sent(headers):
        check_form()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        # Typed into the address bar, which no form is.
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://shop.example:8000"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "http://shop.example"},
        {"Origin": "http://shop.example:8000.elsewhere.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {},
    ],
)
def test_forms_from_elsewhere_or_nowhere_are_refused(headers: dict[str, str]) -> None:
    with sent(headers), pytest.raises(Forbidden):
        check_form()


def test_a_page_may_be_asked_for_from_anywhere() -> None:
    with sent({"Sec-Fetch-Site": "cross-site"}, "GET"):
        check_form()
