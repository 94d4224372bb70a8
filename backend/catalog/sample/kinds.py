"""Every kind of product in the sample catalogue."""

from backend.catalog.sample.kind import Kind
from backend.catalog.sample.kinds_apparel import APPAREL
from backend.catalog.sample.kinds_home import HOME
from backend.catalog.sample.kinds_worn import WORN

KINDS: dict[str, Kind] = {**APPAREL, **WORN, **HOME}
