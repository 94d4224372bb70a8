"""Where the server says that it is."""

from urllib.parse import urlsplit

import pytest

from backend.server import address_of
from backend.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "shop.example", "::1", "::"])
def test_the_address_can_be_read_as_one(host: str) -> None:
    parts = urlsplit(address_of(Settings(host=host, port=8123)))
    assert (parts.scheme, parts.hostname, parts.port) == ("http", host, 8123)
