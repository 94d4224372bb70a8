"""DistilBERT against the same computed by hand from the last layer's token vectors."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_models import distilbert_directory
from transformers import AutoModel, AutoTokenizer

from backend.encoders import describe_text_encoder, load_text_encoder
from backend.errors import WeightsMissing

TEXTS = ["Navy blue cotton shirt for men", "Steel water bottle", "Running shoes with a soft, light sole " * 60]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return distilbert_directory(tmp_path_factory.mktemp("models") / "distilbert")


def by_hand(directory: Path, pooling: str) -> np.ndarray:
    torch.set_num_threads(1)
    tokenizer, model = AutoTokenizer.from_pretrained(directory), AutoModel.from_pretrained(directory).eval()
    rows = []
    for text in TEXTS:
        tokens = tokenizer(text, truncation=True, max_length=512, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**tokens).last_hidden_state[0]
        rows.append((hidden[0] if pooling == "cls" else hidden.mean(dim=0)).numpy())
    return np.array(rows)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_rows_are_the_pooled_token_vectors(directory: Path, pooling: str) -> None:
    expected = by_hand(directory, pooling)
    encoder = load_text_encoder(f"distilbert:{directory}?pooling={pooling}")
    np.testing.assert_allclose(encoder.encode(TEXTS, normalized=False), expected, atol=2e-5)
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected / lengths, atol=1e-5)
    assert encoder.dimensions == 768


def test_a_model_of_full_depth_gives_the_same_as_by_hand(tmp_path: Path) -> None:
    directory = distilbert_directory(tmp_path, layers=6)
    expected = by_hand(directory, "mean")
    encoder = load_text_encoder(f"distilbert:{directory}")
    np.testing.assert_allclose(encoder.encode(TEXTS, normalized=False), expected, atol=2e-5)
    assert encoder.version == describe_text_encoder(f"distilbert:{directory}?pooling=mean").version


def test_the_version_follows_pooling_weights_and_words(directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(directory, copy)
    first = describe_text_encoder(f"distilbert:{directory}").version
    assert describe_text_encoder(f"distilbert:{copy}").version == first
    assert describe_text_encoder(f"distilbert:{copy}?pooling=cls").version != first
    (copy / "README.md").write_text("a note changes nothing", encoding="utf-8")
    assert describe_text_encoder(f"distilbert:{copy}").version == first
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content + b" ")
        assert describe_text_encoder(f"distilbert:{copy}").version != first
        (copy / name).write_bytes(content)


@pytest.mark.parametrize("name", ["distilbert", "distilbert:some-model", "distilbert:org/model", "distilbert:a/b/c"])
def test_an_absent_model_names_the_remedy_and_asks_no_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for door in (describe_text_encoder, load_text_encoder):
        with pytest.raises(WeightsMissing) as caught:
            door(name)
        model = name.partition(":")[2] or "distilbert-base-uncased"
        model = model if "/" in model else f"distilbert/{model}"
        for part in (
            f"`hf download {model}`",
            f"hf download {model} --local-dir",
            "distilbert:/path/to",
            str(tmp_path),
        ):
            assert part in str(caught.value)


def test_a_cached_model_is_found_by_its_name(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    entry = tmp_path / "models--distilbert--distilbert-base-uncased"
    (entry / "refs").mkdir(parents=True)
    (entry / "refs" / "main").write_text("0123abc", encoding="utf-8")
    shutil.copytree(directory, entry / "snapshots" / "0123abc")
    expected = load_text_encoder(f"distilbert:{directory}").encode(TEXTS[:2])
    for name in ("distilbert", "distilbert:distilbert-base-uncased", "distilbert:distilbert/distilbert-base-uncased"):
        encoder = load_text_encoder(name)
        assert encoder.name == name
        np.testing.assert_array_equal(encoder.encode(TEXTS[:2]), expected)


def test_models_that_cannot_be_used_say_why(directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(directory, copy)
    name = f"distilbert:{copy}"
    weights, config = (copy / "model.safetensors").read_bytes(), json.loads((copy / "config.json").read_text())

    def expect(match: str) -> None:
        with pytest.raises(WeightsMissing, match=match) as caught:
            load_text_encoder(name)
        assert str(copy) in str(caught.value)

    for damaged in (b"", b"not weights", weights[: len(weights) // 2]):
        (copy / "model.safetensors").write_bytes(damaged)
        expect("cannot be read")
    (copy / "model.safetensors").unlink()
    expect("holds no weights")
    (copy / "model.safetensors").write_bytes(weights)
    (copy / "config.json").write_text(json.dumps({**config, "n_layers": 3}))
    expect(r"its weights lack transformer\.layer\.2\.")
    (copy / "config.json").write_text(json.dumps({**config, "dim": 384}))
    expect(r"\S+ has not the shape that config\.json says")
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    expect("model_type 'bert'")
    (copy / "config.json").write_text("{")
    expect(r"config\.json is damaged")
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "tokenizer.json").write_text("{}")
    expect("cannot be read")
    for name_of_words in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (copy / name_of_words).unlink()
    expect("it has no tokenizer")
    (copy / "config.json").unlink()
    expect("holds no model")
    shutil.rmtree(copy)
    expect("no directory")
