"""The right to store one job's result."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lease:
    """The right to store one job's result; the database refuses it once the token is no longer the job's.

    ``priority`` is 0 where somebody waits for it.
    """

    product_id: int
    space_id: int
    lease_token: int
    attempts: int
    priority: int = 1
