"""Nothing is lost, stored twice or stale, whatever is killed, paused or stopped while products and spaces change.

The full form: ``SHELFMATE_CHAOS_KILLS=1000 SHELFMATE_CHAOS_STOPS=100 .venv/bin/pytest tests/chaos -o timeout=3600``.
docs/chaos.md says what is promised and how it is checked.
"""

import os
import random
from pathlib import Path

from tests.chaos.report import publish
from tests.chaos.rounds import Plan, Run
from tests.chaos.server import running

KILLS = int(os.environ.get("SHELFMATE_CHAOS_KILLS", "6"))
STOPS = int(os.environ.get("SHELFMATE_CHAOS_STOPS", "2"))
SEED = int(os.environ.get("SHELFMATE_CHAOS_SEED", random.SystemRandom().randrange(2**32)))
KILLS_A_ROUND = 100
IS_FULL = KILLS >= KILLS_A_ROUND


def test_nothing_is_lost_doubled_or_stale(tmp_path: Path) -> None:
    print(f"SHELFMATE_CHAOS_SEED={SEED}")
    rounds = max(1, KILLS // KILLS_A_ROUND)
    # The full form has the settings that people have.
    settings = {} if IS_FULL else {"SHELFMATE_LEASE_SECONDS": "2", "SHELFMATE_POLL_SECONDS": "0.2"}
    # The short form runs with all other tests, on whatever machine.
    limits = (2000, settings, 30.0, 1.0) if IS_FULL else (300, settings, 90.0, 20.0)
    with running() as server, Run(server, SEED, tmp_path / "workers.log", *limits) as run:
        for number in range(rounds):
            kills, stops = (total * (number + 1) // rounds - total * number // rounds for total in (KILLS, STOPS))
            run.round(Plan(kills, stops, pauses=max(1, kills // 10), swaps=20 if IS_FULL else 3, rate=12.0))
            publish(run.figures())
            print("\n".join(run.verdict.details))
            if run.verdict.counts["lost"] or run.verdict.counts["stale"]:
                break
    run.verdict.assert_clean()
