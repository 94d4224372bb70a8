"""What the registry knows of one encoder before it is opened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.encoders.names import Form
from backend.encoders.protocols import EncoderSpec


@dataclass(frozen=True, slots=True)
class Family:
    """All encoders of one base name: they differ by argument and options.

    ``describe`` and ``load`` take an ``EncoderName`` and, of a fitted encoder, its state; ``fit`` takes the name and
    the texts, and gives the state. Where ``takes_runtime``, ``load`` also takes the keyword ``runtime``.
    """

    form: Form
    describe: Callable[..., EncoderSpec]
    load: Callable[..., Any]
    fit: Callable[[Any, Sequence[str]], bytes] | None = None
    takes_runtime: bool = False
