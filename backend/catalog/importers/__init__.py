"""Files into the catalogue: streaming, repeatable, and telling what is wrong with which line."""

from backend.catalog.importers.amazon import AmazonResult, import_amazon
from backend.catalog.importers.fashion import import_fashion
from backend.catalog.importers.products import import_products
from backend.catalog.importers.progress import progress_bar
from backend.catalog.importers.report import report_path
from backend.catalog.importers.result import ImportResult, Problem, Progress
from backend.catalog.importers.reviews import import_reviews
from backend.catalog.importers.sample import load_sample

__all__ = [
    "AmazonResult",
    "ImportResult",
    "Problem",
    "Progress",
    "import_amazon",
    "import_fashion",
    "import_products",
    "import_reviews",
    "load_sample",
    "progress_bar",
    "report_path",
]
