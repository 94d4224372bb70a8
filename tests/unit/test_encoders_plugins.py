"""Encoders of other packages: the example's, and broken ones."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from encoder_pictures import file_of, scene

from backend.encoders import (
    describe_image_encoder,
    describe_text_encoder,
    fit_text_encoder,
    load_image_encoder,
    load_text_encoder,
    needs_fitting,
)
from backend.errors import ConfigurationError, InvalidInput, UnreadableImage

EXAMPLE = Path(__file__).parents[2] / "examples" / "encoder-plugin"


def register(monkeypatch: pytest.MonkeyPatch, directory: Path, package: str, groups: dict[str, dict[str, str]]) -> None:
    """Make ``directory`` a place of installed packages that holds ``package`` with these entry points."""
    facts = directory / f"{package.replace('-', '_')}-0.1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1.0\n")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups.items()]
    (facts / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(directory))


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The example's package, as if it were installed."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    register(monkeypatch, tmp_path / "site", project["name"], project["entry-points"])
    monkeypatch.syspath_prepend(str(EXAMPLE))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """Registers the module ``source`` as the text and image encoder ``odd`` of the package odd-encoders."""

    def install(source: str) -> None:
        (tmp_path / "odd_module.py").write_text(PREFACE + source)
        monkeypatch.delitem(sys.modules, "odd_module", raising=False)
        groups = {group: {"odd": "odd_module"} for group in ("shelfmate.text_encoders", "shelfmate.image_encoders")}
        register(monkeypatch, tmp_path, "odd-encoders", groups)

    yield install
    sys.modules.pop("odd_module", None)


PREFACE = """
import numpy as np
from backend.encoders import Described, EncoderSpec, Form
from backend.errors import InvalidInput
form = Form("odd")
SPEC = EncoderSpec("odd", 3, "1")
def describe(name, *state): return SPEC
def load(name, *state): return Odd(SPEC)
class Odd(Described):
    rows = None
    def prepare(self, data): return data
    def warm_up(self): pass
    def encode(self, inputs, *, normalized=True): return self.rows(len(inputs))
"""


@pytest.mark.usefixtures("example")
def test_the_examples_encoders_are_used_like_our_own() -> None:
    text = load_text_encoder("letters?pairs=yes")
    assert text.spec == describe_text_encoder("letters?pairs=yes")
    assert (text.name, text.dimensions) == ("letters?pairs=yes", 26 * 26)
    rows = text.encode(["Red shirt", "red shirts", "blue", "!?"])
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 1, 0], atol=1e-6)
    assert load_text_encoder("letters").encode(["abca"], normalized=False)[0, :4].tolist() == [2, 1, 1, 0]
    assert not needs_fitting("letters")
    image = load_image_encoder("greys:16")
    assert image.spec == describe_image_encoder("greys:16")
    pictures = [image.prepare(file_of(scene(seed))) for seed in range(2)]
    assert image.encode(pictures).shape == (2, 256)
    with pytest.raises(UnreadableImage):
        image.prepare(b"no image")
    text.warm_up()
    image.warm_up()


@pytest.mark.usefixtures("example")
def test_plugged_names_are_listed_and_held_to_their_form() -> None:
    with pytest.raises(ConfigurationError, match=r"There are: minilm, .*hashing\[:DIMENSIONS\], letters\."):
        describe_text_encoder("lettres")
    with pytest.raises(ConfigurationError, match=r"hashing\[:DIMENSIONS\], greys\."):
        describe_image_encoder("letters")
    with pytest.raises(ConfigurationError, match="one of yes, no, not 'maybe'"):
        describe_text_encoder("letters?pairs=maybe")
    with pytest.raises(ConfigurationError, match="write greys:SIDE"):
        load_image_encoder("greys")
    with pytest.raises(ConfigurationError, match="side must be a number from 1 to 60, not 'x'"):
        load_image_encoder("greys:x")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_module", "cannot be imported .*no_such_module.*repair or uninstall"),
        ("1 / 0", r"cannot be imported \(ZeroDivisionError"),
        ("form = None", "lacks a `form` whose base is 'odd'"),
        ("form = Form('even')", "lacks a `form` whose base is 'odd'"),
        ("describe = None", "lacks describe:"),
        ("form = Form('odd', fitted=True)", "lacks fit:"),
        ("def describe(name): return 3", "must be described by an EncoderSpec named 'odd'"),
        ("def describe(name): return EncoderSpec('even', 3, '1')", "must be described by an EncoderSpec named 'odd'"),
        ("def describe(name): raise KeyError('x')", r"cannot describe itself \(KeyError: 'x'\)"),
        ("def load(name): raise OSError('no file')", r"cannot be loaded \(OSError: no file\)"),
        ("def load(name): return Odd(EncoderSpec('odd', 4, '1'))", "loads is EncoderSpec.*but describes EncoderSpec"),
        ("def load(name): return 3", "loads lacks spec, name, dimensions, version, .*encode, warm_up"),
        ("Odd.rows = lambda self, n: [[1, 0, 0]] * n", r"float32 rows of shape \(2, 3\), not list"),
        ("Odd.rows = lambda self, n: np.ones((n, 3))", r"float32 rows of shape \(2, 3\), not float64"),
        ("Odd.rows = lambda self, n: np.ones((n, 2), np.float32)", r"not float32 \(2, 2\)"),
        ("Odd.rows = lambda self, n: np.full((n, 3), np.nan, np.float32)", "a row that is not finite"),
        ("Odd.rows = lambda self, n: np.ones((n, 3), np.float32)", "whose length is neither 1 nor 0"),
    ],
)
def test_a_broken_plug_in_is_named(broken: object, source: str, message: str) -> None:
    broken(source)
    for load, inputs in ((load_text_encoder, ["a", "b"]), (load_image_encoder, [b"a", b"b"])):
        with pytest.raises(ConfigurationError, match=message) as caught:
            load("odd").encode(inputs)
        assert "'odd' of the package odd-encoders (odd_module)" in str(caught.value)


def test_raw_rows_of_a_plug_in_may_have_any_length(broken: object) -> None:
    broken("Odd.rows = lambda self, n: np.ones((n, 3), np.float32)")
    assert load_text_encoder("odd").encode(["a"], normalized=False).tolist() == [[1, 1, 1]]


def test_errors_of_ours_that_a_plug_in_raises_stay_what_they_are(broken: object) -> None:
    broken("def load(name): raise InvalidInput('not so')")
    with pytest.raises(InvalidInput, match=r"^not so$"):
        load_text_encoder("odd")


def test_a_plug_in_can_be_fitted(broken: object) -> None:
    broken("""
form = Form("odd", fitted=True)
def fit(name, texts): return "".join(texts).encode()
def describe(name, state): return EncoderSpec("odd", len(state), state.decode())
def load(name, state): return Odd(describe(name, state))
Odd.rows = lambda self, n: np.eye(n, self.dimensions, dtype=np.float32)
""")
    assert needs_fitting("odd")
    spec, state = fit_text_encoder("odd", ["ab", "cd"])
    assert (spec.dimensions, spec.version, state) == (4, "abcd", b"abcd")
    assert load_text_encoder("odd", state).encode(["x", "y"]).shape == (2, 4)


def test_a_state_that_is_no_bytes_is_refused(broken: object) -> None:
    broken("form = Form('odd', fitted=True)\ndef fit(name, texts): return 'text'")
    with pytest.raises(ConfigurationError, match="must give bytes when it is fitted, not str"):
        fit_text_encoder("odd", ["a"])


def test_two_packages_with_one_name_are_refused(example: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    register(monkeypatch, tmp_path / "more", "other-letters", {"shelfmate.text_encoders": {"letters": "elsewhere"}})
    with pytest.raises(ConfigurationError, match="'letters' is brought by other-letters, shop-encoders"):
        load_text_encoder("letters")


def test_our_own_names_cannot_be_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    register(monkeypatch, tmp_path, "taker", {"shelfmate.text_encoders": {"hashing": "elsewhere"}})
    assert load_text_encoder("hashing:8").encode(["red"]).shape == (1, 8)
