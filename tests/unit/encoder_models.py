"""Models that the encoder tests make for themselves: the real architectures, weights drawn from a seed."""

import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn
from torchvision import models
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTokenizer,
    DistilBertConfig,
    DistilBertModel,
    DistilBertTokenizer,
)
from transformers.utils import logging

COMMON = """red blue green black white shirt shoe shoes dress wallet cotton leather linen running for men women with
and navy steel bottle soft sole light coin pocket size ! ? ' , ."""
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *COMMON.split(),
    *string.ascii_lowercase,
    *string.digits,
    *(f"##{letter}" for letter in string.ascii_lowercase + string.digits),
]


def torchvision_network(base: str) -> nn.Module:
    """torchvision's network; normalisations are set by noise, so that it tells pictures apart. VGG16 comes without the
    124 million weights of its classifier."""
    torch.manual_seed(11)
    if base == "vgg16":
        with torch.device("meta"):
            network = models.vgg16(weights=None, init_weights=False)
        network.features.to_empty(device="cpu")
        for part in network.features:
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
                nn.init.normal_(part.bias, std=0.1)
        return network.eval()
    network = models.get_model(base, weights=None)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.3)
    with torch.no_grad():
        network.train()(torch.rand(4, 3, 96, 96))
    return network.eval()


def save_torchvision(network: nn.Module, path: Path) -> Path:
    """The network's weights at ``path``, as torchvision keeps them."""
    torch.save({key: value for key, value in network.state_dict().items() if not value.is_meta}, path)
    return path


def feature_map(base: str, network: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """The last feature map (n, channels, 7, 7) of torchvision's own forward pass."""
    kept: list[torch.Tensor] = []
    # What the network pools: the input of resnet50's and vgg16's avgpool; DenseNet pools relu(features) by a function.
    watched = network.features if base == "densenet121" else network.avgpool
    handle = watched.register_forward_hook(
        lambda _, inputs, output: kept.append(output.relu() if base == "densenet121" else inputs[0])
    )
    if base == "vgg16":
        network.classifier = nn.Identity()
    with torch.inference_mode():
        network(pixels)
    handle.remove()
    return kept[0].clone()


def distilbert_directory(directory: Path, *, layers: int = 2) -> Path:
    """A DistilBERT of full width, 768, with few words and layers, and its tokenizer."""
    torch.manual_seed(5)
    config = DistilBertConfig(vocab_size=len(WORDS), n_layers=layers)
    with _quiet():
        # Spread as a trained model's; drawn as for training, all texts would be alike.
        _spread(DistilBertModel(config)).save_pretrained(directory)
    (directory / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    DistilBertTokenizer(vocab=str(directory / "vocab.txt")).save_pretrained(directory)
    return directory


def sentence_transformer_directory(directory: Path, transformer: Path, *, dense: int | None = None) -> Path:
    """A SentenceTransformer of that transformer: CLS and mean joined, then a layer of ``dense`` outputs if given."""
    torch.manual_seed(6)
    with _quiet():
        modules: list[nn.Module] = [Transformer(str(transformer), max_seq_length=64)]
        modules.append(Pooling(modules[0].get_embedding_dimension(), ("cls", "mean")))
        if dense is not None:
            modules.append(Dense(modules[1].get_embedding_dimension(), dense))
        SentenceTransformer(modules=modules, device="cpu").save(str(directory), create_model_card=False)
    return directory


def clip_directory(directory: Path) -> Path:
    """A CLIP of two small towers that meet in 24 dimensions, its tokenizer and its preprocessor (picture of 32)."""
    torch.manual_seed(7)
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = {word: place for place, word in enumerate([*letters, *(f"{letter}</w>" for letter in letters)])}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={
            **small,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": 77,
            "bos_token_id": vocabulary["<|startoftext|>"],
            "eos_token_id": vocabulary["<|endoftext|>"],
            "pad_token_id": vocabulary["<|endoftext|>"],
        },
        vision_config={**small, "image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    with _quiet():
        _spread(CLIPModel(config)).save_pretrained(directory)
    CLIPTokenizer(vocab=vocabulary, merges=[]).save_pretrained(directory)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(directory)
    return directory


def _spread(model: nn.Module) -> nn.Module:
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.normal_(std=1.5 * weights[0].numel() ** -0.5)
    return model.eval()


@contextmanager
def _quiet() -> Iterator[None]:
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()
