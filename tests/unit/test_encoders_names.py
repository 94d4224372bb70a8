"""How encoder names are read and written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.encoders import describe_image_encoder, describe_text_encoder
from backend.encoders.names import FILE, EncoderName, Form, parse_name
from backend.errors import ConfigurationError

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(
    st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True),
    st.none() | WORDS,
    st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), WORDS, max_size=3),
)
def test_a_name_that_is_written_is_read_as_the_same(base: str, argument: str | None, options: dict[str, str]) -> None:
    name = EncoderName(base, argument, tuple(sorted(options.items())))
    assert parse_name(str(name)) == name


def test_options_have_one_order() -> None:
    one, other = parse_name("vgg16?weights=/a.pth&pooling=max"), parse_name("vgg16?pooling=max&weights=/a.pth")
    assert one == other
    assert str(one) == "vgg16?pooling=max&weights=/a.pth"


def test_a_path_may_hold_the_signs_of_names() -> None:
    name = parse_name("clip:/models/50%25 %3Fnew?fit=crop")
    assert (name.argument, name.option("fit", "")) == ("/models/50% ?new", "crop")
    assert str(name) == "clip:/models/50%25 %3Fnew?fit=crop"
    assert parse_name("clip:C:/models").argument == "C:/models"
    assert parse_name("clip:größe").argument == "größe"


@pytest.mark.parametrize("name", ["vgg16?", "vgg16?pooling", "vgg16?pooling=", "vgg16?=max", "vgg16?pooling=max&"])
def test_half_an_option_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="must be written option=value"):
        parse_name(name)


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'pooling' is given twice"):
        parse_name("vgg16?pooling=max&pooling=max")


@pytest.mark.parametrize(
    ("door", "name", "message"),
    [
        (describe_image_encoder, "vgg16?pool=max", r"no option 'pool'.* It has: fit, pooling, weights\."),
        (describe_image_encoder, "hashing?x=1", r"no option 'x'.* It has none\."),
        (describe_image_encoder, "vgg16?pooling=maxi", r"one of average, max, not 'maxi'"),
        (describe_image_encoder, "vgg16:64", r"vgg16 takes nothing behind a colon.*vgg16\[\?fit="),
        (describe_text_encoder, "minilm:64", r"minilm takes nothing behind a colon"),
        (describe_text_encoder, "distilbert?pooling=max", r"one of mean, cls, not 'max'"),
        (describe_text_encoder, "sentence-transformer", r"write sentence-transformer:DIR_OR_NAME"),
        (describe_text_encoder, "clip:", r"write clip:DIR_OR_NAME"),
        (describe_text_encoder, "clip:x?fit=crop", r"clip has no option 'fit'.* It has none\."),
    ],
)
def test_what_an_encoder_has_not_is_answered_with_what_it_has(door: object, name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        door(name)


def test_paths_become_absolute_and_names_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    (tmp_path / "here").mkdir()
    form = Form("x", "DIR_OR_NAME", options={"weights": FILE})
    for written, absolute in {
        "here": f"{tmp_path}/here",
        "./there": f"{tmp_path}/there",
        "~/models": "/home/someone/models",
        "/a/b": "/a/b",
        "org/model": "org/model",
        "model": "model",
    }.items():
        assert form.checked(EncoderName("x", written)).argument == absolute
    name = form.checked(EncoderName("x", None, (("weights", "w.pth"),)))
    assert str(name) == f"x?weights={tmp_path}/w.pth"


def test_forms_are_written_as_people_read_them() -> None:
    assert str(Form("hashing", "DIMENSIONS")) == "hashing[:DIMENSIONS]"
    assert str(Form("clip", "DIR_OR_NAME", argument_needed=True, options={"fit": "crop|squeeze"})) == (
        "clip:DIR_OR_NAME[?fit=crop|squeeze]"
    )
