"""The torchvision encoders against torchvision's own networks and preprocessing."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_models import feature_map, save_torchvision, torchvision_network
from encoder_pictures import file_of, scene
from PIL import Image
from torchvision import models, transforms

from backend.encoders import describe_image_encoder, load_image_encoder
from backend.encoders.checkpoints import read_checkpoint, torch_checkpoints
from backend.encoders.torchvision_images import COLOURS, NETWORKS, SHORTEST, SHORTEST_OF
from backend.errors import WeightsMissing

DIMENSIONS = {"resnet50": 2048, "densenet121": 1024, "vgg16": 512}
PRESETS = {
    "resnet50": models.ResNet50_Weights,
    "densenet121": models.DenseNet121_Weights,
    "vgg16": models.VGG16_Weights,
}
SQUEEZE = transforms.Compose(
    [
        transforms.Resize((224, 224)),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)


@pytest.fixture(scope="module")
def networks() -> dict[str, torch.nn.Module]:
    torch.set_num_threads(1)
    return {base: torchvision_network(base) for base in DIMENSIONS}


@pytest.fixture(scope="module")
def cache(networks: dict[str, torch.nn.Module], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A torch cache that holds the three networks by torchvision's names."""
    home = tmp_path_factory.mktemp("torch")
    (home / "hub" / "checkpoints").mkdir(parents=True)
    for base, network in networks.items():
        save_torchvision(network, home / "hub" / "checkpoints" / NETWORKS[base].files[0])
    return home


def pixels_of(files: list[bytes], transform: object) -> torch.Tensor:
    return torch.stack([transform(Image.open(io.BytesIO(file)).convert("RGB")) for file in files])


@pytest.mark.parametrize("base", DIMENSIONS)
def test_rows_are_torchvisions_pooled_feature_map(
    base: str, networks: dict[str, torch.nn.Module], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(cache))
    files = [file_of(scene(1, 60, 80)), file_of(scene(2, 300, 225), "JPEG", quality=95)]
    found = feature_map(base, networks[base], pixels_of(files, SQUEEZE))
    assert found.shape == (2, DIMENSIONS[base], 7, 7)
    usual = "average" if base == "resnet50" else "max"
    for pooling, expected in (("average", found.mean((2, 3)).numpy()), ("max", found.amax((2, 3)).numpy())):
        encoder = load_image_encoder(base if pooling == usual else f"{base}?pooling={pooling}")
        rows = encoder.encode([encoder.prepare(file) for file in files], normalized=False)
        length = np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(rows / length, expected / length, atol=1e-5)
        assert encoder.dimensions == DIMENSIONS[base]
    assert np.abs(np.subtract(*(expected / length))).max() > 1e-3


def test_a_picture_has_the_same_row_alone_as_in_a_batch(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(cache))
    encoder = load_image_encoder("densenet121")
    prepared = [encoder.prepare(file_of(scene(seed))) for seed in range(3)]
    together = encoder.encode(prepared)
    assert together.shape == (3, 1024)
    assert np.linalg.norm(together[0] - together[1]) > 1e-2
    for pixels, row in zip(prepared, together, strict=True):
        np.testing.assert_allclose(encoder.encode([pixels])[0], row, atol=1e-5)


def test_loading_prints_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(cache))
    load_image_encoder("densenet121")
    assert capfd.readouterr() == ("", "")


def test_unit_rows_are_the_raw_ones_divided_by_their_length(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(cache))
    encoder = load_image_encoder("densenet121")
    prepared = [encoder.prepare(file_of(scene(seed))) for seed in range(2)]
    raw, unit = encoder.encode(prepared, normalized=False), encoder.encode(prepared)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, raw / lengths, atol=1e-6)
    assert abs(lengths - 1).min() > 0.1


@pytest.mark.parametrize("size", [(60, 80), (300, 225), (230, 230), (31, 400), (1001, 767)])
@pytest.mark.parametrize("base", DIMENSIONS)
def test_cropped_pictures_are_torchvisions_own(
    base: str, size: tuple[int, int], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(cache))
    file = file_of(scene(4, *size))
    # Only the frame is compared, which needs no network.
    frame = load_image_encoder(f"{base}?fit=crop")._frame if size == (60, 80) else _frame(base)
    assert frame == _frame(base)
    pixels = (frame.prepare(file) / 255 - COLOURS.mean) / COLOURS.deviation
    expected = PRESETS[base].IMAGENET1K_V1.transforms()(Image.open(io.BytesIO(file)).convert("RGB"))
    np.testing.assert_allclose(pixels.transpose(2, 0, 1), expected.numpy(), atol=1e-5)


def _frame(base: str) -> object:
    from backend.encoders.pictures import Frame

    return Frame(224, PRESETS[base].IMAGENET1K_V1.transforms().resize_size[0])


def test_preprocessing_and_file_names_are_those_of_the_installed_torchvision() -> None:
    for base, weights in PRESETS.items():
        files = {Path(one.url).name: one.transforms() for one in weights if "IMAGENET1K_V" in one.name}
        files = {name: preset for name, preset in files.items() if name in NETWORKS[base].files}
        assert set(files) == set(NETWORKS[base].files)
        assert Path(weights.IMAGENET1K_V1.url).name == NETWORKS[base].files[0]
        for name, preset in files.items():
            assert preset.resize_size == [SHORTEST_OF.get(name, SHORTEST)]
            assert (preset.crop_size, tuple(preset.mean), tuple(preset.std)) == ([224], COLOURS.mean, COLOURS.deviation)


def test_a_file_from_before_module_names_without_dots_is_read(
    networks: dict[str, torch.nn.Module], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(cache))
    state = networks["densenet121"].state_dict()
    old = {
        key.replace("norm1.", "norm.1.")
        .replace("norm2.", "norm.2.")
        .replace("conv1.", "conv.1.")
        .replace("conv2.", "conv.2.")
        if "denselayer" in key
        else key: value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    old_file, new_file = (
        load_image_encoder(f"densenet121?weights={tmp_path}/old.pth"),
        load_image_encoder("densenet121"),
    )
    picture = new_file.prepare(file_of(scene(3)))
    np.testing.assert_array_equal(old_file.encode([picture]), new_file.encode([picture]))


def test_the_version_follows_weights_pooling_and_fit(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(cache))
    names = ["resnet50", "resnet50?pooling=max", "resnet50?fit=crop", "densenet121"]
    versions = [describe_image_encoder(name).version for name in names]
    assert len(set(versions)) == len(names)
    copy = cache / "copy.pth"
    copy.write_bytes((cache / "hub/checkpoints" / NETWORKS["densenet121"].files[0]).read_bytes())
    assert describe_image_encoder(f"densenet121?weights={copy}").version == versions[-1]
    with copy.open("ab") as file:
        file.write(b"!")
    assert describe_image_encoder(f"densenet121?weights={copy}").version != versions[-1]
    assert describe_image_encoder("densenet121?pooling=max").version == versions[-1]


def test_torchs_cache_is_where_torch_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variables in (
        {},
        {"XDG_CACHE_HOME": str(tmp_path)},
        {"TORCH_HOME": str(tmp_path / "torch")},
        {"TORCH_HOME": "~/t"},
    ):
        with monkeypatch.context() as patch:
            patch.delenv("XDG_CACHE_HOME", raising=False)
            patch.delenv("TORCH_HOME", raising=False)
            for variable, value in variables.items():
                patch.setenv(variable, value)
            assert str(torch_checkpoints()) == f"{torch.hub.get_dir()}/checkpoints"


@pytest.mark.parametrize("base", DIMENSIONS)
def test_absent_weights_name_file_place_and_remedy(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for door in (describe_image_encoder, load_image_encoder):
        with pytest.raises(WeightsMissing) as caught:
            door(base)
        for part in (NETWORKS[base].files[0], f"{tmp_path}/hub/checkpoints", f"models.{base}(", f"{base}?weights="):
            assert part in str(caught.value)
        with pytest.raises(WeightsMissing, match=f"no file {tmp_path}/none.pth"):
            door(f"{base}?weights={tmp_path}/none.pth")


def test_the_remedy_for_absent_weights_is_valid_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", None)
    asked: list[str] = []
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url",
        lambda url, *_, **__: asked.append(Path(url).name) or torchvision_network("densenet121").state_dict(),
    )
    with pytest.raises(WeightsMissing) as caught:
        load_image_encoder("densenet121")
    exec(str(caught.value).split('python -c "')[1].split('"`')[0])
    assert asked == [NETWORKS["densenet121"].files[0]]


def test_files_that_cannot_be_used_say_why(
    networks: dict[str, torch.nn.Module], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.pth"
    name = f"densenet121?weights={path}"
    whole = (cache / "hub/checkpoints" / NETWORKS["densenet121"].files[0]).read_bytes()
    for damaged in (b"", b"not weights", whole[: len(whole) // 2], b"PK\x03\x04" + whole[4:100]):
        path.write_bytes(damaged)
        with pytest.raises(
            WeightsMissing, match=r"weights.pth cannot be used .*densenet121: it is damaged.*\?weights="
        ):
            load_image_encoder(name)
    for held in (networks["densenet121"].features[:1], [1, 2], {"state_dict": {"a": 1}}):
        torch.save(held, path)
        with pytest.raises(WeightsMissing, match=r"it is damaged|holds something else"):
            load_image_encoder(name)
    save_torchvision(networks["resnet50"], path)
    with pytest.raises(WeightsMissing, match=r"it has bn1\.bias, which densenet121 has not"):
        load_image_encoder(name)
    torch.save({**networks["densenet121"].state_dict(), "features.conv0.weight": torch.zeros(96, 3, 7, 7)}, path)
    with pytest.raises(
        WeightsMissing, match=r"features.conv0.weight has the shape \(96, 3, 7, 7\), not \(64, 3, 7, 7\)"
    ):
        load_image_encoder(name)
    state = networks["densenet121"].state_dict()
    del state["features.norm5.weight"]
    torch.save(state, path)
    with pytest.raises(WeightsMissing, match=r"it lacks features\.norm5\.weight"):
        load_image_encoder(name)


@pytest.mark.parametrize("zipped", [True, False])
def test_bytes_changed_at_random_never_give_another_error(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({f"layer{n}.weight": torch.rand(3, 3) for n in range(4)}, path, _use_new_zipfile_serialization=zipped)
    whole, random, refused = path.read_bytes(), np.random.default_rng(0), 0
    for round_ in range(300):
        damaged = bytearray(whole[: random.integers(len(whole))] if round_ % 3 == 0 else whole)
        for place in random.integers(max(1, min(len(damaged), 600)), size=4 if damaged else 0):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            read_checkpoint(path, "vgg16")
        except WeightsMissing:
            refused += 1
    assert refused > 150


def test_nothing_in_a_weight_file_is_run(tmp_path: Path) -> None:
    path = tmp_path / "trap.pth"
    torch.save({"weight": _Trap(tmp_path / "sprung")}, path)
    with pytest.raises(WeightsMissing):
        load_image_encoder(f"resnet50?weights={path}")
    assert not (tmp_path / "sprung").exists()


class _Trap:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._path,)
