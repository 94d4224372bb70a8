"""Pictures cropped to a square."""

import numpy as np
import pytest
from encoder_pictures import file_of, scene
from PIL import Image

from backend.encoders.pictures import Frame


def test_a_strip_takes_no_more_room_than_any_other_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    resize = Image.Image.resize

    def recorded(image: Image.Image, size: tuple[int, int], *arguments: object) -> Image.Image:
        asked.append(size)
        return resize(image, size, *arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(Image.Image, "resize", recorded)
    for width, height in ((2, 4_000), (4_000, 2)):
        assert Frame(224, 256).prepare(file_of(Image.new("RGB", (width, height), "teal"))).shape == (224, 224, 3)
    # Scaled as a whole, each would have been 256 x 512,000.
    assert max(max(size) for size in asked) <= 256 * 65
    assert len(asked) == 2


@pytest.mark.parametrize("size", [(8, 901), (902, 8)])
def test_what_is_cut_off_a_strip_before_it_is_scaled_is_not_seen(size: tuple[int, int]) -> None:
    picture = scene(2, 200, 200).resize(size)
    # What torchvision does: scale all of it, then take the middle.
    scaled = picture.resize(tuple(256 * side // min(size) for side in size), Image.Resampling.BILINEAR)
    left, top = round((scaled.width - 224) / 2), round((scaled.height - 224) / 2)
    whole = np.asarray(scaled.crop((left, top, left + 224, top + 224)), dtype=int)
    found = Frame(224, 256).prepare(file_of(picture)).astype(int)
    assert np.abs(found - whole).max() <= 1
