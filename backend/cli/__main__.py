"""``python -m backend.cli``: the shelfmate command where it is not on the path."""

import os

from backend.cli.main import main

os.environ.setdefault("HF_HUB_OFFLINE", "1")
main()
