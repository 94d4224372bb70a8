"""The embedded server starts, keeps what it was given, and ends."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from embedded_fixtures import Command, ask, command, eventually, fresh_home, postmasters, processes, stop, used_home

from backend.database import embedded
from backend.database.embedded import binaries, journal


@pytest.fixture
def home() -> Iterator[Path]:
    with fresh_home() as path:
        yield path


@pytest.fixture
def settled_home() -> Iterator[Path]:
    with used_home() as path:
        yield path


def test_a_fresh_home_gives_a_server_with_pgvector_and_durable_settings(home):
    with embedded.running(home) as server, psycopg.connect(server.dsn()) as connection:
        assert connection.info.dbname == "shelfmate"
        connection.execute("CREATE EXTENSION vector")
        assert connection.execute("SELECT '[1,2]'::halfvec(2) <#> '[3,4]'").fetchone() == (-11.0,)
        settings = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "random_page_cost": "1.1",
        "jit": "off",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
    }
    assert {name: settings[name] for name in expected} == expected


def test_the_socket_and_the_data_are_closed_to_other_users(home):
    with embedded.running(home):
        for place in ("postgres", "postgres/sockets", "postgres/data"):
            assert (home / place).stat().st_mode & 0o077 == 0


def test_what_was_committed_is_there_after_the_next_start(home):
    with embedded.running(home) as server, psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    stop(home)
    with embedded.running(home) as server:
        assert ask(server.dsn(), "SELECT value FROM kept") == 7


def test_four_commands_starting_at_once_on_a_fresh_home_share_one_server(home):
    commands = [Command(home) for _ in range(4)]
    try:
        identifiers = {ask(each.dsn, "SELECT system_identifier FROM pg_control_system()") for each in commands}
        started = {ask(each.dsn, "SELECT pg_postmaster_start_time()") for each in commands}
        assert len(identifiers) == len(started) == 1
        assert len(postmasters(home)) == 1
    finally:
        for each in commands:
            each.leave()


def test_four_commands_asking_for_one_new_database_all_get_it(home):
    with embedded.running(home):
        commands = [Command(home) for _ in range(4)]
        try:
            assert all(ask(each.dsn, "SELECT current_database()") == "shelfmate" for each in commands)
        finally:
            for each in commands:
                each.leave()


def test_the_server_ends_by_itself_after_its_last_command(settled_home):
    with embedded.running(settled_home):
        assert postmasters(settled_home)
    assert embedded.wait_until_stopped(settled_home, 60)
    eventually(lambda: not processes(settled_home))


def test_a_command_that_comes_while_the_server_is_ending_gets_one(settled_home):
    # The grace is 1 s: these pauses hit the moment before the end, the stop itself and the moment after.
    for pause in (0.95, 1.1, 1.25):
        with embedded.running(settled_home) as server:
            assert ask(server.dsn()) == 1
        time.sleep(pause)


def test_a_deleted_home_starts_empty(home):
    with embedded.running(home) as server, psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE gone ()")
    stop(home)
    (home / "postgres").rename(home / "thrown-away")
    with embedded.running(home) as server:
        assert ask(server.dsn(), "SELECT to_regclass('gone')") is None


def test_a_name_with_everything_in_it_is_a_database_name(settled_home):
    name = 'A "b" %/é?&'
    with embedded.running(settled_home) as server:
        assert ask(server.dsn(name), "SELECT current_database()") == name
        assert ask(server.dsn(name), "SELECT current_database()") == name


def test_the_bundled_psql_runs_against_the_server(settled_home):
    with embedded.running(settled_home) as server:
        psql = [str(binaries.psql()), "-Atc", "SELECT 6 * 7", server.dsn()]
        assert subprocess.run(psql, capture_output=True, text=True, check=True).stdout == "42\n"


def test_the_log_is_bounded(home, monkeypatch):
    home.mkdir()
    log = home / "postgres.log"
    log.write_bytes(b"old\n" * 10)
    monkeypatch.setattr(journal, "LIMIT_BYTES", 16)
    journal.bound(log)
    assert log.read_bytes() == b""
    assert (home / "postgres.log.1").read_bytes() == b"old\n" * 10


def test_a_log_over_its_bound_is_moved_aside_at_the_start(home):
    home.mkdir()
    log = home / "postgres.log"
    with log.open("wb") as file:
        file.truncate(journal.LIMIT_BYTES + 1)
    with command(home):
        assert log.stat().st_size < journal.LIMIT_BYTES
        assert (home / "postgres.log.1").stat().st_size == journal.LIMIT_BYTES + 1
