"""The figures of a run."""

import json
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.fleet import Fault
from tests.chaos.replay import Hold


def recoveries(faults: Sequence[Fault], holds: Sequence[Hold]) -> list[float]:
    """For each kill of a worker that held jobs: seconds until the last of these jobs was done, by whomever."""
    by_app: dict[str, list[Hold]] = {}
    for hold in holds:
        by_app.setdefault(hold.app, []).append(hold)
    found = []
    for fault in faults:
        held = [
            hold
            for hold in by_app.get(fault.app, [])
            if fault.kind == "kill" and hold.claimed <= fault.at and (hold.ended is None or hold.ended > fault.at)
        ]
        if held:
            found.append(max((hold.done if hold.done is not None else float("inf")) - fault.at for hold in held))
    return found


def lost_leases(faults: Sequence[Fault], holds: Sequence[Hold]) -> int:
    """How many leases ran out while their workers were paused: what these store later has to be refused."""
    lost = 0
    for pause in [fault for fault in faults if fault.kind == "pause"]:
        resumed = min(
            (f.at for f in faults if f.kind == "resume" and f.app == pause.app and f.at > pause.at), default=0.0
        )
        lost += sum(
            hold.app == pause.app
            and hold.claimed < pause.at
            and hold.ended is not None
            and pause.at < hold.ended < resumed
            for hold in holds
        )
    return lost


def spread(values: Sequence[float]) -> dict[str, float]:
    """How many, the median and the largest."""
    if not values:
        return {"count": 0}
    return {"count": len(values), "median": round(statistics.median(values), 3), "max": round(max(values), 3)}


def publish(figures: dict[str, Any]) -> None:
    """Print the figures on one line, and write them where SHELFMATE_CHAOS_REPORT says."""
    print(f"\nchaos: {json.dumps(figures)}")
    place = os.environ.get("SHELFMATE_CHAOS_REPORT")
    if place:
        Path(place).write_text(json.dumps(figures, indent=2) + "\n")
