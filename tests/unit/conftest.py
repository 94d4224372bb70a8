"""The models, loaded once for all unit tests."""

import pytest

from backend.encoders.efficientnet_lite0 import EfficientNetLite0
from backend.encoders.efficientnet_lite0 import load as load_efficientnet_lite0
from backend.encoders.minilm import MiniLM
from backend.encoders.minilm import load as load_minilm


@pytest.fixture(scope="session")
def minilm() -> MiniLM:
    return load_minilm()


@pytest.fixture(scope="session")
def efficientnet_lite0() -> EfficientNetLite0:
    return load_efficientnet_lite0()
