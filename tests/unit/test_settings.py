"""Settings: what would end a thread of a worker hours later is refused at the start, by name; passwords stay inside."""

import pytest

from backend.database.connection import Database
from backend.errors import ConfigurationError
from backend.settings import Settings, load_settings

SECONDS = ("LEASE_SECONDS", "HANG_SECONDS", "POLL_SECONDS", "UPKEEP_SECONDS")


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", ["inf", "nan", "0", "-1", "1e300"])
def test_seconds_that_no_clock_can_wait_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SHELFMATE_{name}", value)
    with pytest.raises(ConfigurationError, match=f"SHELFMATE_{name}: Input should be"):
        load_settings()


@pytest.mark.parametrize("name", SECONDS)
def test_long_and_short_seconds_are_taken(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("0.2", "86400"):
        monkeypatch.setenv(f"SHELFMATE_{name}", value)
        assert getattr(load_settings(), name.lower()) == float(value)


def test_attempts_fit_their_column(monkeypatch: pytest.MonkeyPatch) -> None:
    # embedding_jobs.attempts is a smallint.
    monkeypatch.setenv("SHELFMATE_MAX_ATTEMPTS", "40000")
    with pytest.raises(ConfigurationError, match="SHELFMATE_MAX_ATTEMPTS: Input should be less than or equal to 1000"):
        load_settings()


def test_no_password_is_shown() -> None:
    dsn = "postgresql://shop:hidden@localhost/shop"
    shown = [repr(Settings(database_url=dsn, read_database_url=dsn)), repr(Database(dsn, dsn))]
    assert not any("hidden" in text for text in shown)
