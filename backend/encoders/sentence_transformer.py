"""``sentence-transformer:DIR_OR_NAME``: any model of sentence-transformers, with the pooling and layers it brings.

Rows are those of ``SentenceTransformer.encode``, its default prompt included; where the model itself normalises them,
they are of length 1 before Shelfmate normalises.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.encoders.engines import Runtime
from backend.encoders.lanes import Lanes
from backend.encoders.model_directories import check_tokenizer, model_directory, model_files, read_json
from backend.encoders.names import EncoderName
from backend.encoders.protocols import EncoderSpec
from backend.encoders.transformer_loading import loading
from backend.encoders.transformer_texts import TransformerTexts
from backend.encoders.weights import fingerprint

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

RECIPE = 1
# Keys under which the configurations of transformers keep the length of token vectors.
_HIDDEN = ("hidden_size", "dim", "d_model", "n_embd")
# Flags of a pooling's config.json as it was written before sentence-transformers 5.4.
_FLAG = "pooling_mode_"


class AnySentenceTransformer(TransformerTexts):
    """A loaded model."""

    def __init__(self, spec: EncoderSpec, model: "SentenceTransformer", lanes: Lanes) -> None:
        super().__init__(spec, lanes)
        self._model = model
        self._prompt = model.prompts.get(model.default_prompt_name or "") or None

    def _tokens(self, batch: list[str]) -> Any:
        return self._model.preprocess(batch, prompt=self._prompt)

    def _vectors(self, tokens: Any) -> Any:
        return self._model(tokens)["sentence_embedding"]


def describe(name: EncoderName) -> EncoderSpec:
    """The encoder; it is only loaded for it where its files do not state its dimensions.

    Raises:
        WeightsMissing: its model is not on this machine, or damaged.
    """
    directory = _directory(name)
    dimensions = _stated_dimensions(directory)
    if dimensions is None:
        dimensions = _dimensions(_model(directory))
    return _spec(name, directory, dimensions)


def load(name: EncoderName, runtime: Runtime | None = None) -> AnySentenceTransformer:
    """The model on the CPU, in torch, fp32; the network is never asked, and no code in its directory is run.

    Raises:
        WeightsMissing: its model is not on this machine, or damaged.
    """
    directory = _directory(name)
    model = _model(directory)
    return AnySentenceTransformer(_spec(name, directory, _dimensions(model)), model, (runtime or Runtime()).lanes)


def _spec(name: EncoderName, directory: Path, dimensions: int) -> EncoderSpec:
    return EncoderSpec(str(name), dimensions, fingerprint(RECIPE, model_files(directory)))


def _model(directory: Path) -> "SentenceTransformer":
    check_tokenizer("sentence-transformer", directory)
    with loading("sentence-transformer", directory):
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(directory), device="cpu", local_files_only=True).eval()


def _dimensions(model: "SentenceTransformer") -> int:
    # Measured, since some modules do not know it.
    return int(model.encode(["length"], show_progress_bar=False).shape[1])


def _directory(name: EncoderName) -> Path:
    assert name.argument is not None
    return model_directory(name.base, name.argument)


def _stated_dimensions(directory: Path) -> int | None:
    """Length of the model's vectors as its files state it; None where they do not, or hold other modules than usual."""
    if not (directory / "modules.json").is_file():
        return _hidden(directory)
    dimensions: int | None = None
    for module in read_json(directory / "modules.json", list):
        kind, path = str(module.get("type", "")).rpartition(".")[2], directory / str(module.get("path", ""))
        if kind == "Transformer":
            dimensions = _hidden(path)
        elif kind == "Pooling":
            dimensions = _pooled(read_json(path / "config.json"))
        elif kind == "Dense":
            dimensions = read_json(path / "config.json").get("out_features")
        elif kind not in ("Normalize", "Dropout", "LayerNorm"):
            return None
    return dimensions


def _hidden(directory: Path) -> int | None:
    config = read_json(directory / "config.json")
    return next((config[key] for key in _HIDDEN if isinstance(config.get(key), int)), None)


def _pooled(config: Mapping[str, Any]) -> int | None:
    length = config.get("embedding_dimension", config.get("word_embedding_dimension"))
    if not isinstance(length, int):
        return None
    if "pooling_mode" in config:
        mode = config["pooling_mode"]
        return length * (1 if isinstance(mode, str) else len(mode))
    return length * max(1, sum(bool(value) for key, value in config.items() if key.startswith(_FLAG)))
