"""TF-IDF and SVD against scikit-learn's own pipeline, and its state."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from backend.encoders import (
    describe_text_encoder,
    fit_text_encoder,
    load_text_encoder,
    needs_fitting,
    tfidf,
)
from backend.errors import ConfigurationError

COLOURS = ["red", "blue", "green", "black", "white", "navy", "grey", "pink"]
THINGS = ["shirt", "dress", "shoe", "wallet", "watch", "bag"]
TEXTS = [
    f"{colour.title()} {thing} for the {person}, made of {stuff} no. {number}"
    for number, (colour, thing, person, stuff) in enumerate(
        (colour, thing, person, stuff)
        for colour in COLOURS
        for thing in THINGS
        for person, stuff in (("Men", "cotton"), ("women", "LINEN"))
    )
]


@pytest.fixture(scope="module")
def state() -> bytes:
    return fit_text_encoder("tfidf?dimensions=16", TEXTS)[1]


def test_rows_are_those_of_the_pipeline(state: bytes) -> None:
    pipeline = make_pipeline(TfidfVectorizer(stop_words="english"), TruncatedSVD(16, random_state=0)).fit(TEXTS)
    asked = [*TEXTS[:40], "a navy dress never seen, navy navy!", "DRESS"]
    expected = pipeline.transform(asked)
    encoder = load_text_encoder("tfidf?dimensions=16", state)
    np.testing.assert_allclose(encoder.encode(asked, normalized=False), expected, atol=1e-5)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.encode(asked), expected, atol=1e-5)


@pytest.mark.parametrize("text", ["", " \n", "zebra", "the of and", "a", "!?"])
def test_a_text_without_known_words_has_no_vector(state: bytes, text: str) -> None:
    rows = load_text_encoder("tfidf?dimensions=16", state).encode(["red shirt", text])
    assert rows[0].any()
    assert not rows[1].any()


def test_case_and_stop_words_change_nothing(state: bytes) -> None:
    rows = load_text_encoder("tfidf?dimensions=16", state).encode(["Red shirt", "the RED; and a shirt of it"])
    np.testing.assert_array_equal(rows[0], rows[1])


def test_the_state_is_the_same_each_time_and_in_each_process(state: bytes) -> None:
    code = f"""
import hashlib
from backend.encoders import fit_text_encoder
print(hashlib.sha256(fit_text_encoder("tfidf?dimensions=16", {TEXTS!r})[1]).hexdigest())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": "1"}, capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == hashlib.sha256(state).hexdigest()
    assert {fit_text_encoder("tfidf?dimensions=16", TEXTS)[1] for _ in range(8)} == {state}


def test_spec_and_version_follow_the_state(state: bytes) -> None:
    spec, again = fit_text_encoder("tfidf?dimensions=16", TEXTS)
    assert again == state
    assert (spec.name, spec.dimensions) == ("tfidf?dimensions=16", 16)
    assert spec == describe_text_encoder("tfidf?dimensions=16", state) == load_text_encoder(spec.name, state).spec
    assert fit_text_encoder("tfidf?dimensions=16", TEXTS[:-1])[0].version != spec.version
    assert [needs_fitting(name) for name in ("tfidf", "tfidf?dimensions=9", "minilm", "hashing")] == [
        True,
        True,
        False,
        False,
    ]


def test_the_usual_number_of_dimensions_is_256() -> None:
    texts = [f"{word}{number} {word}{number + 1}" for word in THINGS for number in range(50)]
    assert fit_text_encoder("tfidf", texts)[0].dimensions == 256


@pytest.mark.parametrize(
    ("dimensions", "texts", "possible"),
    [
        (256, TEXTS, len(TEXTS)),
        (5, ["red shirt", "blue shirt"], 2),
        (4, ["red shirt", "blue dress"] * 10 + [""], 2),
        (3, ["red shirt", "red shirt", "red shirt"], 1),
    ],
)
def test_more_dimensions_than_the_texts_have_are_refused_with_the_number(
    dimensions: int, texts: list[str], possible: int
) -> None:
    with pytest.raises(ConfigurationError, match=r"dimensions at most\. Write tfidf\?dimensions=") as caught:
        fit_text_encoder(f"tfidf?dimensions={dimensions}", texts)
    number = int(str(caught.value).partition("Write tfidf?dimensions=")[2].partition(",")[0])
    assert number <= possible
    assert fit_text_encoder(f"tfidf?dimensions={number}", texts)[0].dimensions == number


@pytest.mark.parametrize("texts", [[], ["", " "], ["the", "a ! ?"], ["red", "the red!"]])
def test_texts_with_less_than_two_words_are_refused(texts: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"hold [01] different words, and 2 are needed"):
        fit_text_encoder("tfidf", texts)


@pytest.mark.parametrize("dimensions", ["0", "4001", "many", "-1", "1.5"])
def test_dimensions_that_cannot_be_are_refused(dimensions: str) -> None:
    with pytest.raises(ConfigurationError, match="from 1 to 4000"):
        fit_text_encoder(f"tfidf?dimensions={dimensions}", TEXTS)


def test_a_state_that_is_none_of_this_encoder_is_refused(state: bytes) -> None:
    for damaged in (b"", b"no state", state[: len(state) // 2], save({"words": np.zeros(3, dtype=np.uint8)})):
        with pytest.raises(ConfigurationError, match="fit it again"):
            load_text_encoder("tfidf?dimensions=16", damaged)
    with pytest.raises(ConfigurationError, match="fit it again"):
        describe_text_encoder("tfidf?dimensions=17", state)
    fewer = load(state)
    fewer["words"] = fewer["words"][:20].copy()
    with pytest.raises(ConfigurationError, match="fit it again"):
        load_text_encoder("tfidf?dimensions=16", save(fewer))


def test_a_state_is_asked_for_where_one_is_needed_and_only_there(state: bytes) -> None:
    for door in (describe_text_encoder, load_text_encoder):
        with pytest.raises(ConfigurationError, match="must be fitted on the catalogue"):
            door("tfidf")
        with pytest.raises(ConfigurationError, match="needs no fitting"):
            door("hashing", state)
    with pytest.raises(ConfigurationError, match="needs no fitting"):
        fit_text_encoder("hashing", TEXTS)


def test_the_most_frequent_words_are_kept_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfidf, "MOST_WORDS", 4)
    texts = ["red shirt", "red dress", "blue shirt", "blue dress", "red rareword"]
    encoder = load_text_encoder("tfidf?dimensions=3", fit_text_encoder("tfidf?dimensions=3", texts)[1])
    rows = encoder.encode(["rareword", "red"])
    assert not rows[0].any()
    assert rows[1].any()
