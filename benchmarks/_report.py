"""What a benchmark leaves behind: its tables on the screen, all figures as JSON, and a chart."""

import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._setup import show


@dataclass
class Report:
    """The figures of one run; ``figures`` goes into the JSON file as it is."""

    name: str
    out: Path
    settings: dict[str, Any]
    figures: dict[str, Any] = field(default_factory=dict)

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table."""
        show(title, head, rows)

    def write(self, chart: str) -> None:
        """Write NAME.json and NAME.svg into the directory."""
        self.out.mkdir(parents=True, exist_ok=True)
        document = {
            "benchmark": self.name,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": {"cores": os.cpu_count(), "processor": _processor(), "python": platform.python_version()},
            "settings": {key: str(value) if isinstance(value, Path) else value for key, value in self.settings.items()},
            "figures": self.figures,
        }
        for suffix, content in (("json", json.dumps(document, indent=1) + "\n"), ("svg", chart)):
            path = self.out / f"{self.name}.{suffix}"
            path.write_text(content, encoding="utf-8")
            print(path)


def spread(values: Sequence[float]) -> str:
    """Median with the least and the greatest, three digits each."""
    if len(values) == 1:
        return f"{values[0]:.3g}"
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def mebibytes(size: int | None) -> str:
    """A size for a table."""
    return "" if size is None else f"{size / 2**20:.0f}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
