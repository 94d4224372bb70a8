"""Encoders that other packages bring, by their entry points."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np

from backend.encoders.family import Family
from backend.encoders.names import EncoderName, Form, parse_name
from backend.encoders.protocols import EncoderSpec
from backend.errors import ConfigurationError, ShelfmateError

GROUPS = {"text": "shelfmate.text_encoders", "image": "shelfmate.image_encoders"}


def plugged_names(kind: str) -> list[str]:
    """The encoders of ``kind``, ``text`` or ``image``, that installed packages bring; imports none of them."""
    return sorted({point.name for point in entry_points(group=GROUPS[kind])})


def plugged_family(kind: str, base: str) -> Family | None:
    """The encoder ``base`` that an installed package brings, or None when none does.

    Raises:
        ConfigurationError: two packages bring it, or its object cannot be imported or lacks a part; the message names
            the package.
    """
    points = list(entry_points(group=GROUPS[kind], name=base))
    if not points:
        return None
    if len(points) > 1:
        packages = ", ".join(sorted(_package(point) for point in points))
        raise ConfigurationError(f"The {kind} encoder {base!r} is brought by {packages}: uninstall all but one.")
    return _family(kind, points[0])


def _family(kind: str, point: EntryPoint) -> Family:
    plugin = _guarded(point, "be imported", point.load)
    form = getattr(plugin, "form", None)
    if not isinstance(form, Form) or form.base != point.name:
        raise ConfigurationError(f"{_called(point)} lacks a `form` whose base is {point.name!r}: see docs/encoders.md.")
    parts = ("describe", "load", "fit") if form.fitted else ("describe", "load")
    missing = [part for part in parts if not callable(getattr(plugin, part, None))]
    if missing:
        raise ConfigurationError(f"{_called(point)} lacks {', '.join(missing)}: see docs/encoders.md.")

    def describe(name: EncoderName, *state: bytes) -> EncoderSpec:
        spec = _guarded(point, "describe itself", lambda: plugin.describe(name, *state))
        if not isinstance(spec, EncoderSpec) or parse_name(spec.name).base != point.name:
            raise ConfigurationError(f"{_called(point)} must be described by an EncoderSpec named {str(name)!r}.")
        return spec

    def load(name: EncoderName, *state: bytes) -> Any:
        encoder = _guarded(point, "be loaded", lambda: plugin.load(name, *state))
        spec = describe(name, *state)
        lacking = [part for part in _PARTS[kind] if not hasattr(encoder, part)]
        if lacking or encoder.spec != spec:
            problem = f"lacks {', '.join(lacking)}" if lacking else f"is {encoder.spec}, but describes {spec}"
            raise ConfigurationError(f"What {_called(point)} loads {problem}: see docs/encoders.md.")
        return Watched(encoder, _called(point))

    def fit(name: EncoderName, texts: Any) -> bytes:
        state = _guarded(point, "be fitted", lambda: plugin.fit(name, texts))
        if not isinstance(state, bytes):
            raise ConfigurationError(f"{_called(point)} must give bytes when it is fitted, not {type(state).__name__}.")
        return state

    return Family(form, describe, load, fit if form.fitted else None)


_PARTS = {
    "text": ("spec", "name", "dimensions", "version", "encode", "warm_up"),
    "image": ("spec", "name", "dimensions", "version", "prepare", "encode", "warm_up"),
}


class Watched:
    """A plug-in's encoder whose rows are looked at, so that wrong ones are its fault by name and reach no database."""

    def __init__(self, encoder: Any, called: str) -> None:
        self._encoder = encoder
        self._called = called

    def __getattr__(self, part: str) -> Any:
        return getattr(self._encoder, part)

    def encode(self, inputs: Any, *, normalized: bool = True) -> Any:
        """The encoder's rows.

        Raises:
            ConfigurationError: they are no float32 array (n, dimensions) of finite numbers, or not of length 1 or 0
                when they should be.
        """
        rows = self._encoder.encode(inputs, normalized=normalized)
        shape = (len(inputs), self._encoder.dimensions)
        if not isinstance(rows, np.ndarray) or rows.dtype != np.float32 or rows.shape != shape:
            found = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
            raise ConfigurationError(f"{self._called} must give float32 rows of shape {shape}, not {found}.")
        lengths = np.linalg.norm(rows, axis=1)
        if not np.isfinite(lengths).all():
            raise ConfigurationError(f"{self._called} gave a row that is not finite.")
        if normalized and (np.minimum(np.abs(lengths - 1), lengths) > 1e-3).any():
            raise ConfigurationError(f"{self._called} gave a row whose length is neither 1 nor 0.")
        return rows


def _guarded(point: EntryPoint, what: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except ShelfmateError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{_called(point)} cannot {what} ({type(error).__name__}: {error}): repair or uninstall that package."
        ) from error


def _called(point: EntryPoint) -> str:
    return f"The encoder {point.name!r} of the package {_package(point)} ({point.value})"


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "of an unknown name"
