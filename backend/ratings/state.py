"""Models as bytes: safetensors, with JSON in its metadata. Nothing in them is run."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.errors import InvalidInput

Tensors = dict[str, NDArray[Any]]
_KEY = "ratings"
_LENGTH = 8


def to_bytes(described: dict[str, Any], tensors: Tensors) -> bytes:
    """The same description and tensors give the same bytes."""
    # One entry only: safetensors writes several in a random order.
    text = json.dumps(described, sort_keys=True)
    return save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, {_KEY: text})


def from_bytes(content: bytes) -> tuple[dict[str, Any], Tensors]:
    """What ``to_bytes`` was given.

    Raises:
        InvalidInput: these are no bytes of a model, or damaged ones.
    """
    try:
        tensors = load(content)
        length = int.from_bytes(content[:_LENGTH], "little")
        described = json.loads(json.loads(content[_LENGTH : _LENGTH + length])["__metadata__"][_KEY])
    except (SafetensorError, KeyError, ValueError) as error:
        raise InvalidInput("these bytes are no rating model, or damaged: train it again", field="model") from error
    assert isinstance(described, dict)
    return described, tensors


def text_tensor(text: str) -> NDArray[np.uint8]:
    """``text`` as a tensor of its UTF-8 bytes."""
    return np.frombuffer(text.encode(), dtype=np.uint8)


def tensor_text(tensor: NDArray[Any]) -> str:
    """What ``text_tensor`` was given."""
    return tensor.tobytes().decode()
