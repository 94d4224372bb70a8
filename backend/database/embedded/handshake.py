"""What a command and the supervisor that it starts say to each other."""

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Request:
    """What the command asks for: the supervisor's only argument."""

    home: str
    install: str
    identity: str
    machine_root: str
    tcp_port: int | None
    report: int

    def to_json(self) -> str:
        """The request as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """The request in ``text``."""
        return cls(**json.loads(text))


class Outcome(StrEnum):
    """How the start went."""

    READY = "ready"
    OWNED = "owned"  # another supervisor has this home
    FAILED = "failed"
    MISCONFIGURED = "misconfigured"
    DIED = "died"  # never sent: what silence means


@dataclass
class Report:
    """The pipe to the command that started the supervisor; the first word is the only one."""

    descriptor: int

    def send(self, outcome: Outcome, message: str = "") -> None:
        """Tell the command, if it still listens."""
        if self.descriptor < 0:
            return
        try:
            os.write(self.descriptor, json.dumps([outcome, message]).encode())
        except BrokenPipeError:
            pass  # the command was killed; the server serves the next one
        finally:
            os.close(self.descriptor)
            self.descriptor = -1


def parse(text: bytes) -> tuple[Outcome, str]:
    """The report in ``text``; an empty one means that the supervisor died."""
    if not text:
        return Outcome.DIED, ""
    outcome, message = json.loads(text)
    return Outcome(outcome), message
