"""Encoders that remember: the same rows, and each input encoded once."""

from pathlib import Path
from typing import Any

import numpy as np

from backend.encoders.builtin import TEXT
from backend.encoders.registry import load_image_encoder, load_text_encoder
from benchmarks._remembered import Remembered, Store, remembering


class Counted:
    """An encoder that counts what it is asked for."""

    def __init__(self) -> None:
        self._encoder = load_text_encoder("hashing:32")
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, texts: list[str], *, normalized: bool = True) -> Any:
        self.asked += texts
        return self._encoder.encode(texts, normalized=normalized)


def test_each_input_is_encoded_once_and_rows_are_the_encoders_own(tmp_path: Path) -> None:
    encoder, plain = Counted(), load_text_encoder("hashing:32")
    store = Store(tmp_path / "rows.sqlite")
    remembered = Remembered(encoder, store)
    texts = ["red shirt", "blue shirt", "", "red shirt"]
    np.testing.assert_array_equal(remembered.encode(texts), plain.encode(texts))
    np.testing.assert_array_equal(remembered.encode(["hat", "blue shirt"]), plain.encode(["hat", "blue shirt"]))
    assert encoder.asked.count("blue shirt") == 1
    assert remembered.encode([]).shape == (0, 32)
    raw = remembered.encode(["a long red shirt"], normalized=False)
    np.testing.assert_array_equal(raw, plain.encode(["a long red shirt"], normalized=False))
    assert remembered.spec == plain.spec
    store.close()


def test_rows_outlive_the_process_and_encoders_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    before = dict(TEXT)
    picture = np.zeros((224, 224, 3), dtype=np.uint8)
    with remembering(path):
        first = load_text_encoder("hashing:32").encode(["red shirt"])
        other = load_text_encoder("hashing:64").encode(["red shirt"])
        assert load_image_encoder("hashing:32").encode([picture]).shape == (1, 32)
    assert before == TEXT
    assert other.shape == (1, 64)
    with remembering(path):
        encoder = load_text_encoder("hashing:32")
        assert isinstance(encoder, Remembered)
        counted = encoder._encoder = Counted()
        np.testing.assert_array_equal(first, encoder.encode(["red shirt"]))
        assert counted.asked == []
    with remembering(None):
        assert not isinstance(load_text_encoder("hashing:32"), Remembered)
    np.testing.assert_array_equal(first, load_text_encoder("hashing:32").encode(["red shirt"]))
