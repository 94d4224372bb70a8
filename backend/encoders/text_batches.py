"""Texts in batches of about one length: what is padded to the longest text of its batch is computed for nothing."""

from collections.abc import Iterator, Sequence

# As many texts as is fast, and few enough that a worker's batch is shared by all lanes (decision 0003).
BATCH = 16
BATCH_CHARACTERS = 4_000
# About what 256 tokens hold; what follows is not read and costs nothing.
READ_CHARACTERS = 1_200


def batches(
    indices: Sequence[int],
    lengths: Sequence[int],
    *,
    together: int = BATCH,
    budget: int = BATCH_CHARACTERS,
    read: int = READ_CHARACTERS,
) -> Iterator[list[int]]:
    """``indices`` in batches of texts about as long as each other; text ``i`` has ``lengths[i]``, of which ``read`` are
    read at most. A batch has at most ``together`` texts, and with their padding a length of ``budget`` in all.

    The defaults are for lengths in characters.
    """
    batch: list[int] = []
    for index in sorted(indices, key=lambda index: lengths[index]):
        if len(batch) == together or (batch and (len(batch) + 1) * min(lengths[index], read) > budget):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
