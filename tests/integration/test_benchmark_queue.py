"""The queue's benchmark in a short form."""

import os
import subprocess
import sys
from importlib.util import find_spec


def test_the_queue_is_measured_and_peers_beside_it_or_said_to_be_missing(database_url: str) -> None:
    command = [sys.executable, "-m", "backend.cli", "bench", "queue", "--", "--jobs", "300", "--rounds", "1"]
    ran = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "DATABASE_URL": database_url},
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    for batch in (64, 1024):
        assert f"Shelfmate, batches of {batch}" in ran.stdout
    missing = next((line for line in ran.stdout.splitlines() if line.startswith("left out")), "")
    for package, name in (("pgqueuer", "PgQueuer"), ("procrastinate", "Procrastinate")):
        assert (f"times the best of {name}" in ran.stdout) == (find_spec(package) is not None)
        assert (package in missing) == (find_spec(package) is None)
