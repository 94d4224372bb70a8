"""The encoders that Shelfmate brings, by name. The module of one is imported when that encoder is asked for."""

from importlib import import_module
from typing import Any

from backend.encoders.family import Family
from backend.encoders.names import DIR_OR_NAME, FILE, EncoderName, Form


class _Later:
    """A function of a module that is imported by the first call."""

    def __init__(self, module: str, function: str, *, takes_name: bool = True) -> None:
        self._module = f"backend.encoders.{module}"
        self._function = function
        self._takes_name = takes_name

    def __call__(self, name: EncoderName, *arguments: Any, **options: Any) -> Any:
        function = getattr(import_module(self._module), self._function)
        return function(name, *arguments, **options) if self._takes_name else function(**options)


def _only(base: str, module: str) -> Family:
    """An encoder with nothing to choose."""
    describe = _Later(module, "describe", takes_name=False)
    return Family(Form(base), describe, _Later(module, "load", takes_name=False), takes_runtime=True)


def _model(form: Form, module: str, load: str = "load") -> Family:
    return Family(form, _Later(module, "describe"), _Later(module, load), takes_runtime=True)


def _pooled(base: str) -> Family:
    form = Form(base, options={"fit": "squeeze|crop", "pooling": "average|max", "weights": FILE})
    return _model(form, "torchvision_images")


def _clip(kind: str, options: dict[str, str]) -> Family:
    return _model(Form("clip", DIR_OR_NAME, argument_needed=True, options=options), "clip", f"load_{kind}")


def _hashing(kind: str) -> Family:
    return Family(Form("hashing", "DIMENSIONS"), _Later("hashing", "describe"), _Later("hashing", f"load_{kind}"))


def _by_name(*families: Family) -> dict[str, Family]:
    return {family.form.base: family for family in families}


TEXT = _by_name(
    _only("minilm", "minilm"),
    _model(Form("sentence-transformer", DIR_OR_NAME, argument_needed=True), "sentence_transformer"),
    _model(Form("distilbert", DIR_OR_NAME, options={"pooling": "mean|cls"}), "distilbert"),
    Family(
        Form("tfidf", options={"dimensions": "NUMBER"}, fitted=True),
        _Later("tfidf", "describe"),
        _Later("tfidf", "load"),
        _Later("tfidf", "fit"),
    ),
    _clip("text", {}),
    _hashing("text"),
)

IMAGE = _by_name(
    _only("efficientnet-lite0", "efficientnet_lite0"),
    _pooled("resnet50"),
    _pooled("densenet121"),
    _pooled("vgg16"),
    _clip("image", {"fit": "crop|squeeze"}),
    _hashing("image"),
)
