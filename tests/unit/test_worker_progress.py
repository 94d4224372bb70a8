"""The line that a worker ends a run of work with."""

import logging
from types import SimpleNamespace

import pytest

from workers.progress import Progress


@pytest.mark.parametrize("counted_first", [True, False])
def test_a_run_lasts_from_its_first_product_even_if_nobody_had_counted_what_waits(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, counted_first: bool
) -> None:
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("workers.progress.time", clock)
    progress = Progress()
    with caplog.at_level(logging.INFO, "shelfmate.worker"):
        for _ in range(2):
            if counted_first:
                progress.start(0)
            progress.advance(2_400)
            clock.now += 2
            progress.finish()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["embedded 2400 products in 2.0 s, 1200/s"] * 2
