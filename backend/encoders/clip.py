"""``clip:DIR_OR_NAME``: the two towers of a CLIP, by transformers. A text's vector may be compared with an image's.

The image tower's input is what the model's own preprocessor asks for; ``fit=squeeze`` puts the whole picture into the
square, where the preprocessor would cut out its middle. Only the tower that is asked for is loaded. The directory is
one of transformers, or one of sentence-transformers that holds such a model in ``0_CLIPModel``.
"""

from pathlib import Path
from typing import Any

from backend.encoders.engines import Runtime
from backend.encoders.model_directories import check_tokenizer, model_directory, model_files, read_json, unusable
from backend.encoders.names import EncoderName
from backend.encoders.network_images import Colours, NetworkImages, open_network
from backend.encoders.pictures import Frame
from backend.encoders.protocols import EncoderSpec
from backend.encoders.transformer_loading import loading, quietly
from backend.encoders.transformer_texts import TokenizedTexts
from backend.encoders.weights import fingerprint

RECIPE = 1
# Of transformers' CLIPConfig, where config.json leaves it out.
DEFAULT_DIMENSIONS = 512


class ClipTexts(TokenizedTexts):
    """The loaded text tower."""

    def _vectors(self, tokens: Any) -> Any:
        return self._model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).text_embeds


def describe(name: EncoderName) -> EncoderSpec:
    """Either tower without loading it.

    Raises:
        WeightsMissing: its model is not on this machine, or is no CLIP.
    """
    directory = _directory(name)
    config = read_json(directory / "config.json")
    if config.get("model_type") != "clip":
        raise unusable("clip", directory, f"its config.json says model_type {config.get('model_type')!r}")
    files = model_files(directory)
    # The model's own cut is no option of the text tower, so both towers have one version when nothing is asked.
    version = fingerprint(f"{RECIPE}-{name.option('fit', 'crop')}", files)
    dimensions = config.get("projection_dim", DEFAULT_DIMENSIONS)
    return EncoderSpec(str(name), dimensions, version, joint=fingerprint("clip", files))


def load_text(name: EncoderName, runtime: Runtime | None = None) -> ClipTexts:
    """The text tower on the CPU, in torch, fp32; the network is never asked.

    Raises:
        WeightsMissing: its model is not on this machine, is no CLIP, or is damaged.
    """
    spec, directory = describe(name), _directory(name)
    check_tokenizer("clip", directory)
    with loading("clip", directory):
        from transformers import AutoTokenizer, CLIPConfig, CLIPTextModelWithProjection

        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        whole = CLIPConfig.from_pretrained(directory, local_files_only=True)
        model = _tower(CLIPTextModelWithProjection, whole.text_config, whole, directory)
    return ClipTexts(spec, model, tokenizer, (runtime or Runtime()).lanes)


def load_image(name: EncoderName, runtime: Runtime | None = None) -> NetworkImages:
    """The image tower on the CPU; the network is never asked. Without a ``runtime`` it runs in torch, fp32.

    Raises:
        ConfigurationError: the engine that ``runtime`` asks for cannot run here.
        WeightsMissing: its model is not on this machine, is no CLIP, or is damaged.
    """
    spec, directory = describe(name), _directory(name)
    with loading("clip", directory):
        from PIL import Image
        from transformers import AutoImageProcessor

        # Any: the settings' types are those of every processor there is.
        asked: Any = AutoImageProcessor.from_pretrained(directory, local_files_only=True)  # type: ignore[no-untyped-call]  # So the package leaves it.
        shortest = asked.size["shortest_edge"] if name.option("fit", "crop") == "crop" else None
        frame = Frame(asked.crop_size["height"], shortest, Image.Resampling(int(asked.resample)))
        colours = Colours(tuple(asked.image_mean), tuple(asked.image_std))
    runtime = runtime or Runtime()
    return open_network(
        spec, "clip image", lambda: _image_tower(directory), colours, frame, runtime, converting=quietly
    )


def _image_tower(directory: Path) -> Any:
    with loading("clip", directory):
        import torch
        from transformers import CLIPConfig, CLIPVisionModelWithProjection

        whole = CLIPConfig.from_pretrained(directory, local_files_only=True)
        tower = _tower(CLIPVisionModelWithProjection, whole.vision_config, whole, directory)

    class Vectors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = tower

        def forward(self, pixels: torch.Tensor) -> Any:
            return self.tower(pixel_values=pixels).image_embeds

    return Vectors()


def _tower(kind: Any, config: Any, whole: Any, directory: Path) -> Any:
    import torch

    # The towers' own configurations may leave out where both meet.
    config.projection_dim = whole.projection_dim
    return kind.from_pretrained(directory, config=config, local_files_only=True, dtype=torch.float32).eval()


def _directory(name: EncoderName) -> Path:
    assert name.argument is not None
    directory = model_directory(name.base, name.argument)
    inner = directory / "0_CLIPModel"
    return inner if inner.is_dir() else directory
