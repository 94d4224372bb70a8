"""Which peers take part, and why others do not."""

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks._engines.chroma import Chroma
from benchmarks._engines.engine import Engine
from benchmarks._engines.lance import Lance
from benchmarks._engines.libraries import Faiss, Hnswlib, Numpy, ScikitLearn
from benchmarks._engines.milvus import Milvus
from benchmarks._engines.qdrant import QdrantEdge, QdrantLocal

PEERS: dict[str, type[Engine]] = {
    "faiss": Faiss,
    "hnswlib": Hnswlib,
    "numpy": Numpy,
    "sklearn": ScikitLearn,
    "chroma": Chroma,
    "lance": Lance,
    "milvus": Milvus,
    "qdrant-edge": QdrantEdge,
    "qdrant-local": QdrantLocal,
}


def engine_options(parser: argparse.ArgumentParser) -> None:
    """Which peers to ask."""
    parser.add_argument("--engines", nargs="*", choices=sorted(PEERS), default=sorted(PEERS), metavar="PEER")


def choose(names: Sequence[str], *, with_filters: bool = False) -> tuple[list[type[Engine]], list[tuple[str, str]]]:
    """The classes of those that are installed, and (name, reason) of the others."""
    chosen, skipped = [], []
    for key, engine in PEERS.items():
        if key not in names:
            skipped.append((engine.name, "not asked for"))
        elif engine.is_missing():
            skipped.append((engine.name, f"skipped: {engine.module} is not installed (the extra [bench])"))
        elif with_filters and not engine.filters:
            skipped.append((engine.name, "has no filters"))
        else:
            chosen.append(engine)
    return chosen, skipped


def built(engines: Sequence[Engine], stack: ExitStack) -> tuple[list[Engine], dict[str, float]]:
    """The engines, filled and indexed, and the seconds that each took; ``stack`` closes them."""
    seconds = {}
    for engine in engines:
        began = time.perf_counter()
        stack.callback(engine.close)
        engine.build()
        took = time.perf_counter() - began
        if took > 0.1:
            seconds[engine.name] = took
            print(f"{engine.name}: filled and indexed in {took:.1f} s", flush=True)
    return list(engines), seconds
