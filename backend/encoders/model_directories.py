"""Models of transformers and sentence-transformers on this machine: a directory, or a name in the user's cache."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.errors import WeightsMissing

# What a model is read from; READMEs, graphs of other libraries and other frameworks' weights are not.
_PARTS = {".json", ".txt", ".model", ".safetensors", ".bin"}
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)
_WEIGHTS = (".safetensors", ".bin")
# A name may lack its organisation, as these libraries allow it: where it is looked for then.
_ORGANISATIONS = {
    "sentence-transformer": ("sentence-transformers",),
    "distilbert": ("distilbert",),
    "clip": ("openai", "sentence-transformers"),
}


def model_directory(encoder: str, argument: str) -> Path:
    """The directory of the model ``argument``, given for the encoder ``encoder``: itself, or its newest cached copy.

    Raises:
        WeightsMissing: it is not on this machine, or holds no weights; the message says where it was looked for and
            how to get it.
    """
    if argument.startswith("/"):
        directory = Path(argument)
        if not directory.is_dir():
            raise WeightsMissing(f"The model of {encoder}:{argument} is not on this machine: there is no directory.")
    else:
        directory = _cached(encoder, argument)
    if not (directory / "config.json").is_file() and not (directory / "modules.json").is_file():
        raise WeightsMissing(f"{directory} holds no model: it has neither config.json nor modules.json.")
    if not any(path.suffix in _WEIGHTS for path in model_files(directory)):
        raise WeightsMissing(
            f"{directory} holds no weights: no .safetensors or .bin file. {_remedy(encoder, argument)}"
        )
    return directory


def model_files(directory: Path) -> list[Path]:
    """The files that decide what the model computes, in a fixed order."""
    files = sorted(_parts(directory))
    # Where both formats are, the libraries read safetensors.
    safe = {path.parent for path in files if path.suffix == ".safetensors"}
    return [path for path in files if path.suffix != ".bin" or path.parent not in safe]


def check_tokenizer(encoder: str, directory: Path) -> None:
    """Nothing, unless the model has no tokenizer: transformers would make an empty one, and every text be alike.

    Raises:
        WeightsMissing: it has none.
    """
    if not any(path.name in _TOKENIZERS for path in model_files(directory)):
        raise unusable(encoder, directory, f"it has no tokenizer: none of {', '.join(_TOKENIZERS)}")


def read_json(path: Path, kind: type = dict) -> Any:
    """What the JSON file says, a ``kind``.

    Raises:
        WeightsMissing: it is not there, damaged, or something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path.parent} lacks {path.name}: copy or download the whole model again.") from error
    except ValueError as error:
        raise WeightsMissing(f"{path} is damaged ({error}): copy or download the model again.") from error
    if not isinstance(content, kind):
        raise WeightsMissing(f"{path} is no JSON {kind.__name__}: copy or download the model again.")
    return content


def unusable(encoder: str, directory: Path, why: str) -> WeightsMissing:
    """The error for a model that is there but cannot be loaded."""
    return WeightsMissing(
        f"The model in {directory} cannot be used as {encoder}: {why}. Copy or download it again, or name another one."
    )


def _parts(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.is_dir():
            # Only sentence-transformers' modules lie in directories: "0_CLIPModel", "1_Pooling", "2_Dense".
            if path.name[:1].isdigit():
                yield from _parts(path)
        elif path.suffix in _PARTS and not path.name.startswith("."):
            yield path


def _cached(encoder: str, name: str) -> Path:
    from huggingface_hub import constants, try_to_load_from_cache

    caches = [constants.HF_HUB_CACHE]
    if os.environ.get("SENTENCE_TRANSFORMERS_HOME"):
        caches.append(os.environ["SENTENCE_TRANSFORMERS_HOME"])
    if "/" not in name:
        names = [name, *(f"{organisation}/{name}" for organisation in _ORGANISATIONS[encoder])]
    else:
        # More than one stroke is in no name; the library would refuse it by an error of its own.
        names = [name] if name.count("/") == 1 else []
    for cache in caches:
        for candidate in names:
            for file in ("modules.json", "config.json"):
                found = try_to_load_from_cache(candidate, file, cache_dir=cache)
                if isinstance(found, str):
                    return Path(found).parent
    raise WeightsMissing(
        f"The model of {encoder}:{name} is not on this machine: {Path(name).absolute()} is no directory, and "
        f"{' and '.join(caches)} no cache that holds it. {_remedy(encoder, name)}"
    )


def _remedy(encoder: str, name: str) -> str:
    download = "Shelfmate downloads nothing by itself."
    if name.startswith("/"):
        return f"{download} Copy the whole model there."
    if "/" not in name:
        # sentence-transformers' own CLIPs are named like clip-ViT-B-32, OpenAI's like clip-vit-base-patch32.
        name = f"{_ORGANISATIONS[encoder][-1 if name.startswith('clip-ViT') else 0]}/{name}"
    return (
        f"{download} Run `hf download {name}` in its environment; or, on a machine with a network, "
        f"`hf download {name} --local-dir DIRECTORY`, copy the directory here and name it: {encoder}:/path/to/DIRECTORY"
    )
