"""Engines give the rows of the reference within what is promised, and the choice among them is kept."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from encoder_pictures import file_of, scene

from backend.encoders.efficientnet_lite0 import EfficientNetLite0
from backend.encoders.efficientnet_lite0 import load as load_efficientnet_lite0
from backend.encoders.engines import Choice, Model, Runtime, measuring
from backend.encoders.engines import runtime as runtime_module
from backend.encoders.engines.openvino_library import load_openvino
from backend.encoders.engines.openvino_run import has_bf16
from backend.encoders.lanes import Lanes
from backend.encoders.minilm import MiniLM
from backend.encoders.minilm import load as load_minilm
from backend.errors import ConfigurationError

TEXTS = [
    "Navy blue cotton shirt for men",
    "A",
    "東京 ✨",
    "",
    "Running shoes with a soft, light sole " * 40,
    "Red Shirt",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One place for the converted models, as on a machine that has started before."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def pixels(efficientnet_lite0: EfficientNetLite0) -> list[np.ndarray]:
    return [efficientnet_lite0.prepare(file_of(scene(seed), "JPEG", quality=90)) for seed in range(9)]


def bf16_or_skip(engine: str) -> None:
    if engine == "openvino-bf16" and not has_bf16():
        pytest.skip("this CPU has no bfloat16")


@pytest.mark.parametrize(("engine", "nearest"), [("openvino", 1 - 1e-6), ("openvino-bf16", 0.9999)])
def test_text_rows_are_those_of_the_reference(minilm: MiniLM, home: Path, engine: Choice, nearest: float) -> None:
    bf16_or_skip(engine)
    encoder = load_minilm(Runtime(text=engine, home=home))
    expected, rows = minilm.encode(TEXTS), encoder.encode(TEXTS)
    assert encoder.spec == minilm.spec
    written = [place for place, text in enumerate(TEXTS) if text]
    assert ((rows * expected).sum(axis=1)[written] > nearest).all()
    assert not rows[TEXTS.index("")].any()
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert ((rows * alone).sum(axis=1)[written] > nearest).all()
    raw = encoder.encode(TEXTS, normalized=False)
    np.testing.assert_allclose(raw, minilm.encode(TEXTS, normalized=False), atol=1e-4 if nearest > 0.99995 else 0.05)


@pytest.mark.parametrize(("engine", "nearest"), [("openvino", 1 - 1e-6), ("openvino-bf16", 0.99)])
def test_image_rows_are_those_of_the_reference(
    efficientnet_lite0: EfficientNetLite0, pixels: list[np.ndarray], home: Path, engine: Choice, nearest: float
) -> None:
    bf16_or_skip(engine)
    encoder = load_efficientnet_lite0(Runtime(image=engine, home=home))
    expected, rows = efficientnet_lite0.encode(pixels), encoder.encode(pixels)
    assert encoder.spec == efficientnet_lite0.spec
    assert ((rows * expected).sum(axis=1) > nearest).all()
    assert encoder.encode([]).shape == (0, 1280)


def test_a_later_start_reads_the_choice_and_imports_no_torch(home: Path) -> None:
    lines: list[str] = []
    load_minilm(Runtime(text="auto", home=home, report=lines.append))
    load_efficientnet_lite0(Runtime(image="auto", home=home, report=lines.append))
    assert len(lines) == 2
    assert all(f" runs with {engine}" in line for line, engine in zip(lines, chosen(home, lines), strict=True))
    assert all("measured on this machine" in line and "torch " in line for line in lines)
    if "torch" in chosen(home, lines):
        pytest.skip("torch is the fastest here")
    done = subprocess.run([sys.executable, "-c", LATER, home], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# Nothing is reported or measured again, no torch, and nobody is asked for anything over the network.
LATER = """
import sys, socket, time
from pathlib import Path

def refuse(*arguments, **options):
    raise SystemExit("the network was asked")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = socket.getaddrinfo = refuse
from backend.encoders import load_image_encoder, load_text_encoder
from backend.encoders.engines import Runtime
runtime = Runtime(text="auto", image="auto", home=Path(sys.argv[1]), report=print)
load_text_encoder("minilm", runtime=runtime).encode(["shirt"])
load_image_encoder("efficientnet-lite0", runtime=runtime).warm_up()
found = {"torch", "transformers", "openvino_telemetry"} & set(sys.modules)
if found:
    raise SystemExit(f"imported: {found}")
"""


def chosen(home: Path, lines: list[str]) -> list[str]:
    kept = json.loads((home / "engines" / "choices.json").read_text(encoding="utf-8"))
    return [next(item["engine"] for key, item in kept.items() if key.startswith(line.split()[0])) for line in lines]


def model(name: str, version: str = "1") -> Model:
    """Twice its input, in both forms."""

    def graph() -> object:
        openvino = load_openvino()
        values = openvino.opset13.parameter([-1, 2], np.float32, "values")
        return openvino.Model([openvino.opset13.add(values, values)], [values], name)

    return Model(name, version, lambda: lambda values: values * 2, graph, lambda: [(ONES,)] * 3)


ONES = np.ones((1, 2), dtype=np.float32)


def test_the_fastest_is_chosen_unless_a_preferred_one_is_about_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"exact": 1.1, "torch": 5.0, "coarse": 1.0}
    monkeypatch.setattr(measuring, "_milliseconds", lambda run, _probe, _lanes: times[run()])
    runs = {name: (lambda name=name: name) for name in times}
    assert measuring.fastest(runs, [], Lanes(1)) == ("exact", times)
    times["exact"] = 1.2
    assert measuring.fastest(runs, [], Lanes(1))[0] == "coarse"


def test_a_choice_is_measured_anew_for_other_versions_lanes_and_damage(tmp_path: Path) -> None:
    lines: list[str] = []

    def start(name: str = "net", lanes: int = 2) -> None:
        runtime = Runtime(home=tmp_path, report=lines.append, lanes=Lanes(lanes))
        np.testing.assert_array_equal(runtime.open(model(name), "auto")(ONES), ONES * 2)

    for expected, arguments in enumerate([{}, {"name": "other"}, {"lanes": 1}], start=1):
        start(**arguments)
        start(**arguments)
        assert len(lines) == expected
    (tmp_path / "engines" / "choices.json").write_text("{ no JSON")
    start()
    assert len(lines) == 4


def test_without_a_home_nothing_is_kept() -> None:
    lines: list[str] = []
    for _ in range(2):
        Runtime(report=lines.append).open(model("net"), "auto")
    assert len(lines) == 2


def test_a_converted_model_that_cannot_be_read_is_converted_again(tmp_path: Path) -> None:
    lines: list[str] = []
    runtime = Runtime(home=tmp_path, report=lines.append)
    runtime.open(model("net"), "openvino")
    (graph,) = (tmp_path / "engines").glob("net */graph.xml")
    graph.write_text("cut sh")
    run = runtime.open(model("net"), "openvino")
    np.testing.assert_array_equal(run(ONES), ONES * 2)
    assert len(lines) == 1
    assert "converted again" in lines[0]


def test_another_version_of_a_model_replaces_its_converted_form_and_no_other(tmp_path: Path) -> None:
    runtime = Runtime(home=tmp_path)
    for name, version in [("net", "1"), ("net max/*", "1"), ("net", "2")]:
        runtime.open(model(name, version), "openvino")
    kept = sorted(path.parent.name.split()[:2] for path in (tmp_path / "engines").glob("*/graph.xml"))
    assert kept == [["net", "2"], ["net%20max%2F%2A", "1"]]


def test_an_engine_that_cannot_run_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_module, "has_bf16", lambda: False)
    with pytest.raises(ConfigurationError, match=r"openvino-bf16 needs a CPU with bfloat16.*choose openvino"):
        Runtime().open(model("net"), "openvino-bf16")
    assert Runtime().open(model("net"), "auto")
    monkeypatch.setattr(runtime_module, "has_openvino", lambda: False)
    with pytest.raises(ConfigurationError, match=r"openvino needs the package openvino: run `pip install openvino`"):
        Runtime().open(model("net"), "openvino")
    lines: list[str] = []
    Runtime(report=lines.append).open(model("net"), "auto")
    assert "runs with torch" in lines[0]


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"file/engines cannot be written .*SHELFMATE_HOME"):
        Runtime(home=tmp_path / "file").open(model("net"), "auto")
