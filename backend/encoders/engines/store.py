"""What engines keep between starts, in one directory: the choices that were measured, and converted models."""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backend.encoders.engines.model import Model
from backend.encoders.engines.openvino_library import load_openvino
from backend.errors import ConfigurationError


class Store:
    """The directory ``path``, made when something is kept; processes that share it wait for each other."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Only one process at a time is in here.

        Raises:
            ConfigurationError: nothing can be written there.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            lock = (self._path / "lock").open("w")
        except OSError as error:
            raise ConfigurationError(
                f"{self._path} cannot be written ({error.strerror}): let SHELFMATE_HOME be a directory of this user's."
            ) from error
        with lock as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def choices(self) -> dict[str, dict[str, Any]]:
        """What was chosen, by key. A file that is no JSON object counts as none: it is measured again."""
        try:
            kept = json.loads((self._path / "choices.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def keep_choice(self, key: str, choice: dict[str, Any]) -> None:
        """Add a choice, or replace it."""
        text = json.dumps({**self.choices(), key: choice}, indent=1, sort_keys=True)
        partial = self._path / "choices.json.new"
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(self._path / "choices.json")

    def graph(self, model: Model) -> Path:
        """The path of the model's graph, converted now unless it was before; read from there it is shared memory.

        Graphs of other versions of the same model are removed.
        """
        place = self._path / f"{_named(model)} {model.version} openvino {version('openvino')}"
        if not place.is_dir():
            self._convert(model, place)
        return place / "graph.xml"

    def forget_graph(self, model: Model) -> None:
        """Remove what ``graph`` gave, because it cannot be read."""
        shutil.rmtree(self.graph(model).parent)

    def _convert(self, model: Model, place: Path) -> None:
        openvino: Any = load_openvino()
        with tempfile.TemporaryDirectory(dir=self._path) as partial:
            directory = Path(partial) / "graph"
            directory.mkdir()
            openvino.save_model(model.graph(), directory / "graph.xml", compress_to_fp16=False)
            for path in directory.iterdir():
                _flush(path)
            for old in self._path.glob(f"{_named(model)} *"):
                shutil.rmtree(old)
            directory.replace(place)


def _named(model: Model) -> str:
    """The model's name without what means something in a path, in a pattern, or between two names."""
    return quote(model.name, safe="")


def _flush(path: Path) -> None:
    """A name that outlives a power cut must not stand for contents that did not."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
