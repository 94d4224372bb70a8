"""Which forms the admin pages take."""

import pytest
from flask import Request
from werkzeug.exceptions import Forbidden
from werkzeug.test import EnvironBuilder

from backend.web.same_origin import require_same_origin


def sent(headers: dict[str, str]) -> Request:
    """A form sent to http://shop.example:8000."""
    return Request(
        EnvironBuilder("/admin/new", "http://shop.example:8000", method="POST", headers=headers).get_environ()
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
    require_same_origin(sent(headers))


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
    with pytest.raises(Forbidden):
        require_same_origin(sent(headers))
