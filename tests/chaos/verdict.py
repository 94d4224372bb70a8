"""What a checker found wrong."""

from collections import Counter
from dataclasses import dataclass, field

MOST_KEPT = 50


@dataclass
class Verdict:
    """Violations by kind, such as ``lost``, ``doubled``, ``stale`` and ``mixed``; the first are told in full."""

    counts: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    def add(self, kind: str, detail: str) -> None:
        """Note one violation."""
        self.counts[kind] += 1
        if len(self.details) < MOST_KEPT:
            self.details.append(f"{kind}: {detail}")

    def assert_clean(self) -> None:
        """Raise AssertionError that lists what was found."""
        assert not self.counts, f"{dict(self.counts)}\n" + "\n".join(self.details)
