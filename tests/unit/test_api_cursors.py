"""Cursors: opaque, of one list, and nothing else is taken for one."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.cursors import LARGEST_KEY, from_cursor, from_moment_cursor, to_cursor, to_moment_cursor
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


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, LARGEST_KEY))
def test_a_cursor_of_a_list_by_time_leads_back_to_its_moment_and_key(moment: datetime, key: int) -> None:
    assert from_moment_cursor("events", to_moment_cursor("events", moment, key)) == (moment, key)


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(b"events:" + data).decode()))
def test_nothing_else_is_a_cursor_of_a_list_by_time(text: str) -> None:
    with pytest.raises(InvalidInput):
        from_moment_cursor("events", text)


@pytest.mark.parametrize(
    "said", ["events:1", f"events:{10**17 * 9}.1", f"events:1.{2**63}", "events:1.-1", "other:1.1"]
)
def test_another_list_moment_or_key_is_refused(said: str) -> None:
    with pytest.raises(InvalidInput):
        from_moment_cursor("events", base64.urlsafe_b64encode(said.encode()).decode())
