"""The worker's log."""

import logging

log = logging.getLogger("shelfmate.worker")
