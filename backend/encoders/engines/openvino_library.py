"""OpenVINO, imported without its telemetry."""

import sys
import threading
from importlib.util import find_spec
from types import ModuleType

_importing = threading.Lock()
_TELEMETRY = "openvino_telemetry"


def has_openvino() -> bool:
    """Whether the library is installed; imports nothing."""
    return find_spec("openvino") is not None


def load_openvino() -> ModuleType:
    """The module ``openvino``.

    Its package counts every import at a host of its maker's, without asking. Where the module that does so cannot be
    imported it goes without, so that one is hidden from it.
    """
    with _importing:
        hidden = "openvino" not in sys.modules and _TELEMETRY not in sys.modules
        if hidden:
            # None is how Python is told that a module cannot be imported (language reference, 5.3.1).
            sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # The stubs know modules only.
        try:
            import openvino
        finally:
            if hidden:
                del sys.modules[_TELEMETRY]
    module: ModuleType = openvino
    return module
