"""How a model runs, apart from what it is: torch or OpenVINO, chosen by measurement. Importing it loads neither."""

from backend.encoders.engines.model import Inputs, Model, Run
from backend.encoders.engines.runtime import Choice, Engine, Runtime

__all__ = ["Choice", "Engine", "Inputs", "Model", "Run", "Runtime"]
