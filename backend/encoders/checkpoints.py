"""Weight files in torch's format (``.pth``): where they are looked for, and how they are read."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.errors import WeightsMissing


def torch_checkpoints() -> Path:
    """The directory in which torchvision keeps downloaded weights: ``torch.hub.get_dir()``, found without torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))  # noqa: PTH118 - as torch/hub.py writes it
    return Path(home).expanduser() / "hub" / "checkpoints"


def find_checkpoint(model: str, given: str | None, names: Sequence[str]) -> Path:
    """The file ``given``, or the first of ``names`` (torchvision's file names) that is in torch's cache.

    Raises:
        WeightsMissing: there is no such file; the message says where it was looked for and how to get it.
    """
    if given is not None:
        path = Path(given)
        if not path.is_file():
            raise WeightsMissing(f"The weights of {model} are not where ?weights= says: there is no file {path}.")
        return path
    directory = torch_checkpoints()
    for name in names:
        if (directory / name).is_file():
            return directory / name
    raise WeightsMissing(
        f"The weights of {model} are not on this machine: {directory} has no {' and no '.join(names)}. Shelfmate "
        f'downloads nothing by itself. Run `python -c "import torchvision; torchvision.models.{model}('
        f"weights='IMAGENET1K_V1')\"` in its environment, on a machine with a network, and put the file that this "
        f"leaves in torch's cache into {directory}; or name another file: {model}?weights=/path/to/file.pth"
    )


def read_checkpoint(path: Path, model: str) -> dict[str, Any]:
    """The tensors of the file by name; they may lie in the file still (mmap), so copy what stays.

    Nothing in the file is run: torch's ``weights_only`` reads tensors and plain containers.

    Raises:
        WeightsMissing: the file is damaged, or holds anything but named tensors.
    """
    import torch

    try:
        # What is not used (most of VGG16's 528 MB) is not read then; torch's older format can do no such thing.
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except MemoryError:
        raise
    except Exception as error:  # Of every kind: a damaged pickle goes wrong anywhere in its reader.
        raise _unusable(path, model, "it is damaged, or no file of torch's") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise _unusable(path, model, "it holds something else than a dictionary of tensors (a state_dict)")
    return state


def load_into(network: Any, state: dict[str, Any], path: Path, model: str, unused: tuple[str, ...]) -> None:
    """Fill ``network``, a torch module on the meta device, with ``state``; keys that begin with ``unused`` are left.

    Raises:
        WeightsMissing: the tensors are those of another network; the message names the first that does not fit.
    """
    # BatchNorm's counter is only used in training, and files from before torch 0.4.1 lack it.
    counters = ".num_batches_tracked"
    needed = {key: tuple(value.shape) for key, value in network.state_dict().items() if not key.endswith(counters)}
    used = {k: v for k, v in state.items() if not k.startswith(unused) and not k.endswith(counters)}
    for key in sorted(needed.keys() | used.keys()):
        if key not in used:
            raise _unusable(path, model, f"it lacks {key}")
        if key not in needed:
            raise _unusable(path, model, f"it has {key}, which {model} has not")
        if needed[key] != tuple(used[key].shape):
            raise _unusable(path, model, f"{key} has the shape {tuple(used[key].shape)}, not {needed[key]}")
    # Without the counters strict loading gives them their start, as torch does for old files.
    network.load_state_dict({key: value.float().clone() for key, value in used.items()}, assign=True)


def _unusable(path: Path, model: str, why: str) -> WeightsMissing:
    return WeightsMissing(
        f"{path} cannot be used as the weights of torchvision's {model}: {why}. Remove it and fetch it again, or name "
        f"another file: {model}?weights=/path/to/file.pth"
    )
