"""Cursors: opaque, of one list, and nothing else is taken for one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.cursors import LARGEST_KEY, from_cursor, to_cursor
from backend.errors import InvalidInput


@given(st.integers(0, LARGEST_KEY))
def test_a_cursor_leads_back_to_its_key(key: int) -> None:
    cursor = to_cursor("products", key)
    assert from_cursor("products", cursor) == key
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_anything_else_is_refused_and_never_fails(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_cursor("products", text)
    assert caught.value.field == "cursor"


@pytest.mark.parametrize(
    "said", ["reviews:1", "products", "products:", "products:-1", "products:1.0", "products: 1", f"products:{2**63}"]
)
def test_another_list_or_key_is_refused(said: str) -> None:
    with pytest.raises(InvalidInput):
        from_cursor("products", base64.urlsafe_b64encode(said.encode()).decode().rstrip("="))
