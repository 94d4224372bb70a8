"""From an encoder's name to the encoder. A model library is imported when an encoder that needs it is loaded."""

from collections.abc import Callable

from backend.encoders.protocols import EncoderSpec, ImageEncoder, TextEncoder
from backend.errors import ConfigurationError

TEXT_ENCODERS = ("minilm", "hashing", "hashing:DIMENSIONS")
IMAGE_ENCODERS = ("efficientnet-lite0", "hashing", "hashing:DIMENSIONS")


def describe_text_encoder(name: str) -> EncoderSpec:
    """What ``load_text_encoder(name).spec`` would be, without loading weights or importing a model library.

    Raises:
        ConfigurationError: there is no text encoder of this name; the message lists those there are.
        WeightsMissing: its weights are not on this machine; the message names the remedy.
    """
    return _text(name)[0]()


def load_text_encoder(name: str) -> TextEncoder:
    """The text encoder ``name``, ready to encode on the CPU.

    Raises:
        ConfigurationError: there is no text encoder of this name; the message lists those there are.
        WeightsMissing: its weights are not on this machine; the message names the remedy.
    """
    return _text(name)[1]()


def describe_image_encoder(name: str) -> EncoderSpec:
    """What ``load_image_encoder(name).spec`` would be, without loading weights or importing a model library.

    Raises:
        ConfigurationError: there is no image encoder of this name; the message lists those there are.
        WeightsMissing: its weights are not on this machine; the message names the remedy.
    """
    return _image(name)[0]()


def load_image_encoder(name: str) -> ImageEncoder:
    """The image encoder ``name``, ready to encode on the CPU.

    Raises:
        ConfigurationError: there is no image encoder of this name; the message lists those there are.
        WeightsMissing: its weights are not on this machine; the message names the remedy.
    """
    return _image(name)[1]()


def _text(name: str) -> tuple[Callable[[], EncoderSpec], Callable[[], TextEncoder]]:
    base, _, argument = name.partition(":")
    if name == "minilm":
        from backend.encoders import minilm

        return minilm.describe, minilm.load
    if base == "hashing":
        from backend.encoders.hashing import HashingText

        text = HashingText(_dimensions(name, argument))
        return lambda: text.spec, lambda: text
    raise _unknown("text", name, TEXT_ENCODERS)


def _image(name: str) -> tuple[Callable[[], EncoderSpec], Callable[[], ImageEncoder]]:
    base, _, argument = name.partition(":")
    if name == "efficientnet-lite0":
        from backend.encoders import efficientnet_lite0

        return efficientnet_lite0.describe, efficientnet_lite0.load
    if base == "hashing":
        from backend.encoders.hashing import HashingImage

        image = HashingImage(_dimensions(name, argument))
        return lambda: image.spec, lambda: image
    raise _unknown("image", name, IMAGE_ENCODERS)


def _dimensions(name: str, argument: str) -> int:
    from backend.encoders.hashing import DEFAULT_DIMENSIONS, MOST_DIMENSIONS

    if ":" not in name:
        return DEFAULT_DIMENSIONS
    if argument.isascii() and argument.isdigit() and 1 <= int(argument) <= MOST_DIMENSIONS:
        return int(argument)
    raise ConfigurationError(
        f"In {name!r} the dimensions must be a number from 1 to {MOST_DIMENSIONS}, as in 'hashing:64'."
    )


def _unknown(kind: str, name: str, known: tuple[str, ...]) -> ConfigurationError:
    return ConfigurationError(f"There is no {kind} encoder {name!r}. There are: {', '.join(known)}.")
