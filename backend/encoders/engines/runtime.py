"""How the encoders of one process run: which engine each, the lanes they share, what is kept on disk."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from backend.encoders.engines.measuring import fastest
from backend.encoders.engines.model import Model, Run
from backend.encoders.engines.openvino_library import has_openvino
from backend.encoders.engines.openvino_run import cpu_name, has_bf16, openvino_run
from backend.encoders.engines.store import Store
from backend.encoders.lanes import Lanes
from backend.errors import ConfigurationError

Engine = Literal["torch", "openvino", "openvino-bf16"]
Choice = Literal["auto", "torch", "openvino", "openvino-bf16"]

log = logging.getLogger("shelfmate.encoders")


class Runtime:
    """Opens models with the engine that is wanted: ``text`` for text encoders, ``image`` for image encoders.

    ``auto`` is the fastest on this machine, measured once and then kept under ``home``; without ``home`` nothing is
    kept. ``report`` takes the line that says what was chosen and why. The default is the reference, torch in fp32.
    """

    def __init__(
        self,
        *,
        text: Choice = "torch",
        image: Choice = "torch",
        home: Path | None = None,
        report: Callable[[str], None] = log.info,
        lanes: Lanes | None = None,
    ) -> None:
        self.text: Choice = text
        self.image: Choice = image
        self.lanes = lanes or Lanes()
        self._store = None if home is None else Store(home / "engines")
        self._report = report

    def open(self, model: Model, choice: Choice) -> Run:
        """``model`` loaded and ready.

        Raises:
            ConfigurationError: the engine that ``choice`` names cannot run here; the message says why.
            WeightsMissing: the model's weights are not on this machine or cannot be read.
        """
        engine: Engine = self._chosen(model) if choice == "auto" else choice
        return self._open(model, engine)

    def _chosen(self, model: Model) -> Engine:
        with self._store.alone() if self._store else nullcontext():
            key = f"{model.name} {model.version}; {self._machine()}"
            kept = self._store.choices().get(key, {}).get("engine") if self._store else None
            usable = _usable()
            if kept in usable:
                return usable[usable.index(kept)]
            engine, milliseconds = fastest(
                {engine: self._open_alone(model, engine) for engine in usable}, model.probe(), self.lanes
            )
            times = ", ".join(f"{name} {value:.1f} ms" for name, value in milliseconds.items())
            self._report(f"{model.name} runs with {engine}, measured on this machine: {times} of processor time")
            if self._store:
                self._store.keep_choice(key, {"engine": engine, "milliseconds": milliseconds})
            return engine

    def _machine(self) -> str:
        libraries = ", ".join(f"{name} {_version(name)}" for name in ("openvino", "torch"))
        return f"{cpu_name() if has_openvino() else 'cpu'}, {self.lanes.count} lanes; {libraries}"

    def _open(self, model: Model, engine: Engine) -> Run:
        if engine != "torch" and engine not in _usable():
            raise ConfigurationError(_missing(engine))
        with self._store.alone() if self._store and engine != "torch" else nullcontext():
            return self._open_alone(model, engine)

    def _open_alone(self, model: Model, engine: Engine) -> Run:
        if engine == "torch":
            return model.reference()
        bf16 = engine == "openvino-bf16"
        if self._store is None:
            return openvino_run(model.graph(), bf16=bf16, at_once=self.lanes.count)
        try:
            return openvino_run(self._store.graph(model), bf16=bf16, at_once=self.lanes.count)
        except RuntimeError as error:
            self._report(f"the converted {model.name} on disk cannot be read and is converted again: {error}")
            self._store.forget_graph(model)
            return openvino_run(self._store.graph(model), bf16=bf16, at_once=self.lanes.count)


def _usable() -> list[Engine]:
    """The engines that run here, the most exact first, and of equals the one that starts faster."""
    if not has_openvino():
        return ["torch"]
    return ["openvino", "torch", "openvino-bf16"] if has_bf16() else ["openvino", "torch"]


def _missing(engine: Engine) -> str:
    if not has_openvino():
        return f"The engine {engine} needs the package openvino: run `pip install openvino`, or choose torch."
    return f"The engine {engine} needs a CPU with bfloat16 (AVX512-BF16 or AMX), which this is not: choose openvino."


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
