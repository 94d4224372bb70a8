"""A process that reads and checks a published file while this one has its reviews stored.

What it finds comes through its standard output: a line of JSON for each part, and behind a chunk's the chunk's text. If
this process ends in any way, that pipe is closed and the other ends at its next part.
"""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from backend.catalog.importers.published_chunks import Chunk, Limits, read_chunks
from backend.catalog.importers.result import Problem
from backend.errors import ConfigurationError, InvalidInput


@contextmanager
def reading_apart(path: Path, limits: Limits) -> Iterator[Iterator[Chunk | list[Problem]]]:
    """What ``read_chunks`` gives, from a process of its own, which has ended at the end.

    Raises:
        InvalidInput: as ``read_chunks``.
        ConfigurationError: the process ended before it had read everything.
    """
    # The package imports this module, which -m would import a second time.
    command = [sys.executable, "-c", f"from {__name__} import main; main()", json.dumps([os.fspath(path), limits])]
    # In a session of its own, a Ctrl-C reaches this process alone.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    try:
        yield _received(process, process.stdout, path)
    finally:
        # It only reads: nothing of it has to be put in order.
        process.kill()
        process.stdout.close()
        process.wait()


def _received(process: subprocess.Popen[bytes], source: IO[bytes], path: Path) -> Iterator[Chunk | list[Problem]]:
    while line := source.readline():
        part = json.loads(line)
        if "end" in part:
            if part["end"] is not None:
                raise InvalidInput(part["end"], field=part["field"])
            return
        if "problems" in part:
            yield [Problem(*problem) for problem in part["problems"]]
            continue
        copy = source.read(part["size"])
        if len(copy) < part["size"]:
            break
        again = {int(first): lines for first, lines in part["again"].items()}
        yield Chunk(part["lane"], part["position"], part["lines"], again, copy)
    raise ConfigurationError(
        f"the process that read {path} ended with status {process.wait()} before it was done: import the file again, "
        "which goes on with what is missing; -9 usually means that the machine had no memory left"
    )


def _send(path: Path, limits: Limits, out: IO[bytes]) -> None:
    end: dict[str, object] = {"end": None}
    try:
        for part in read_chunks(path, limits):
            if isinstance(part, list):
                _say(out, {"problems": part})
            else:
                _say(out, {**part._asdict(), "copy": None, "size": len(part.copy)})
                out.write(part.copy)
                out.flush()
    except InvalidInput as error:
        end = {"end": str(error), "field": error.field}
    _say(out, end)
    out.flush()


def _say(out: IO[bytes], part: object) -> None:
    out.write(json.dumps(part).encode() + b"\n")


def main() -> None:
    """What the process does: its one argument is JSON of the file's path and the limits."""
    # Nothing here makes cycles, and looking for some among the rows of a chunk takes a tenth of the time.
    gc.set_threshold(500_000)
    path, limits = json.loads(sys.argv[1])
    try:
        _send(Path(path), Limits(*limits), sys.stdout.buffer)
    except BrokenPipeError:
        # Whoever asked is gone; what is left in the buffer has nowhere to go, and would be written once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
