"""From an encoder's name to the encoder. A model library is imported when an encoder that needs it is loaded."""

from collections.abc import Sequence
from typing import Any

from backend.encoders.builtin import IMAGE, TEXT
from backend.encoders.engines import Runtime
from backend.encoders.family import Family
from backend.encoders.names import EncoderName, parse_name
from backend.encoders.plugins import plugged_family, plugged_names
from backend.encoders.protocols import EncoderSpec, ImageEncoder, TextEncoder
from backend.errors import ConfigurationError

_BUILTIN = {"text": TEXT, "image": IMAGE}


def describe_text_encoder(name: str, state: bytes | None = None) -> EncoderSpec:
    """What ``load_text_encoder(name, state).spec`` would be, without loading weights or importing a model library.

    ``state`` is what ``fit_text_encoder`` returned, and only for an encoder that needs fitting. The spec's ``name`` is
    the canonical one: options in order, paths absolute.

    Raises:
        ConfigurationError: there is no text encoder of this name (the message lists those there are), or it must be
            fitted and has no state, or needs none and has one.
        WeightsMissing: its weights are not on this machine; the message names the remedy.
    """
    return _describe("text", name, state)


def load_text_encoder(name: str, state: bytes | None = None, runtime: Runtime | None = None) -> TextEncoder:
    """The text encoder ``name``, ready to encode on the CPU. ``state``: see ``describe_text_encoder``.

    ``runtime`` says by which engine it runs, and holds the lanes that the encoders of a process share; without one it
    runs in torch, fp32, in lanes of its own.

    Raises:
        ConfigurationError: see ``describe_text_encoder``.
        WeightsMissing: its weights are not on this machine or cannot be read; the message names the remedy.
    """
    encoder: TextEncoder = _load("text", name, state, runtime)
    return encoder


def describe_image_encoder(name: str, state: bytes | None = None) -> EncoderSpec:
    """What ``load_image_encoder(name, state).spec`` would be; see ``describe_text_encoder``.

    Raises:
        ConfigurationError: there is no image encoder of this name; the message lists those there are.
        WeightsMissing: its weights are not on this machine; the message names the remedy.
    """
    return _describe("image", name, state)


def load_image_encoder(name: str, state: bytes | None = None, runtime: Runtime | None = None) -> ImageEncoder:
    """The image encoder ``name``, ready to encode on the CPU. ``state``: see ``describe_text_encoder``.

    ``runtime`` says by which engine it runs, and holds the lanes that the encoders of a process share; without one it
    runs in torch, fp32, in lanes of its own.

    Raises:
        ConfigurationError: there is no image encoder of this name; the message lists those there are.
        WeightsMissing: its weights are not on this machine or cannot be read; the message names the remedy.
    """
    encoder: ImageEncoder = _load("image", name, state, runtime)
    return encoder


def needs_fitting(name: str) -> bool:
    """Whether the text encoder ``name`` must be fitted on the catalogue before it can encode.

    Raises:
        ConfigurationError: there is no text encoder of this name.
    """
    return _find("text", name)[0].fit is not None


def fit_text_encoder(name: str, texts: Sequence[str]) -> tuple[EncoderSpec, bytes]:
    """The text encoder ``name`` fitted on ``texts``: its spec, and the state that loads it again (safetensors bytes).

    The same texts in the same order give the same state.

    Raises:
        ConfigurationError: there is no such encoder, it needs no fitting, or the texts do not allow what the name asks.
    """
    family, parsed = _find("text", name)
    if family.fit is None:
        raise ConfigurationError(f"The text encoder {str(parsed)!r} needs no fitting: load it by its name.")
    state = family.fit(parsed, texts)
    return family.describe(parsed, state), state


def _describe(kind: str, name: str, state: bytes | None) -> EncoderSpec:
    family, parsed = _find(kind, name)
    return family.describe(parsed, *_states(family, parsed, state))


def _load(kind: str, name: str, state: bytes | None, runtime: Runtime | None) -> Any:
    family, parsed = _find(kind, name)
    states = _states(family, parsed, state)
    return family.load(parsed, *states, runtime=runtime) if family.takes_runtime else family.load(parsed, *states)


def _find(kind: str, text: str) -> tuple[Family, EncoderName]:
    name = parse_name(text)
    family = _BUILTIN[kind].get(name.base) or plugged_family(kind, name.base)
    if family is None:
        known = [str(builtin.form) for builtin in _BUILTIN[kind].values()] + plugged_names(kind)
        raise ConfigurationError(f"There is no {kind} encoder {text!r}. There are: {', '.join(known)}.")
    return family, family.form.checked(name)


def _states(family: Family, name: EncoderName, state: bytes | None) -> tuple[bytes, ...]:
    if family.fit is None and state is not None:
        raise ConfigurationError(f"The encoder {str(name)!r} needs no fitting, so it has no state.")
    if family.fit is not None and state is None:
        raise ConfigurationError(
            f"The encoder {str(name)!r} must be fitted on the catalogue before it encodes: "
            "`shelfmate space create` does it for a new space."
        )
    return () if state is None else (state,)
