"""Cursors of frozen lists: made by us only, of one kind of list, for a while."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from small_catalogue import fresh_database

from backend.database.connection import Database
from backend.errors import Expired, InvalidCursor
from backend.recommend.cursors import Cursors, Position

POSITIONS = st.builds(Position, st.uuids(), st.integers(0, 2**32 - 1))
# Taken when the tests are collected, which may be long before this one runs.
LATER = datetime.now(UTC) + timedelta(days=7)
KEY = UUID(int=7)

some = hypothesis_settings(max_examples=50, deadline=None)


@pytest.fixture(scope="module")
def database(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (opened, _settings):
        yield opened


@pytest.fixture(scope="module")
def cursors(database: Database) -> Cursors:
    return Cursors(database, "recommendations")


@some
@given(POSITIONS)
def test_a_cursor_leads_back_to_its_position(cursors: Cursors, position: Position) -> None:
    cursor = cursors.sign(position, LATER)
    assert cursors.read(cursor) == position
    # Needs no escaping in a URL.
    assert cursor.replace("-", "").replace("_", "").replace(".", "").isalnum()


def test_every_changed_byte_is_noticed(cursors: Cursors) -> None:
    """Every byte of a cursor, changed into every other one."""
    cursor = cursors.sign(Position(KEY, 10), LATER).encode()
    changed = (
        cursor[:place] + bytes([byte]) + cursor[place + 1 :]
        for place in range(len(cursor))
        for byte in range(256)
        if byte != cursor[place]
    )
    for text in changed:
        with pytest.raises(InvalidCursor):
            cursors.read(text.decode("latin-1"))


def test_every_shortened_lengthened_or_doubled_cursor_is_noticed(cursors: Cursors) -> None:
    cursor = cursors.sign(Position(KEY, 10), LATER)
    for text in (
        *(cursor[:length] for length in range(len(cursor))),
        cursor + "=",
        cursor + "A",
        cursor * 2,
        cursor + "\n",
    ):
        with pytest.raises(InvalidCursor):
            cursors.read(text)


@some
@given(st.text() | st.text("AZaz09-_.=", max_size=150))
def test_anything_else_is_refused_and_names_the_field(cursors: Cursors, text: str) -> None:
    with pytest.raises(InvalidCursor) as caught:
        cursors.read(text)
    assert caught.value.field == "cursor"


def test_a_cursor_of_another_kind_of_list_is_refused(database: Database, cursors: Cursors) -> None:
    with pytest.raises(InvalidCursor):
        cursors.read(Cursors(database, "products").sign(Position(KEY, 10), LATER))


def test_a_cursor_expires_with_its_list(cursors: Cursors) -> None:
    with pytest.raises(Expired, match="ask again"):
        cursors.read(cursors.sign(Position(KEY, 10), datetime.now(UTC) - timedelta(seconds=1)))


def test_servers_share_their_keys_and_a_new_one_is_taken_over_without_a_restart(database: Database) -> None:
    first, second = Cursors(database, "recommendations"), Cursors(database, "recommendations")
    old = first.sign(Position(KEY, 1), LATER)
    assert second.read(old) == Position(KEY, 1)
    with database.write() as connection:
        connection.execute("INSERT INTO signing_keys DEFAULT VALUES")
    late = Cursors(database, "recommendations")
    new = late.sign(Position(KEY, 1), LATER)
    assert new != old
    assert late.read(old) == Position(KEY, 1)
    # As if a second had passed since the keys were read.
    second._read_at -= 2
    assert second.read(new) == Position(KEY, 1)
    with database.write() as connection:
        connection.execute("DELETE FROM signing_keys WHERE id < (SELECT max(id) FROM signing_keys)")
    with pytest.raises(InvalidCursor):
        Cursors(database, "recommendations").read(old)
