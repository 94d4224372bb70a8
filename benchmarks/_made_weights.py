"""Weights that are made here, seeded and random, so that every encoder of the prototypes runs without a download.

What such an encoder says of a picture means little, but it has the shape, the dimensions and the cost of the real one.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SEED = 0
# The heads of torchvision's networks, which Shelfmate leaves out; VGG16's alone is 494 MB.
HEADS = ("fc.", "classifier.")
WORDS = 8_000
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def make_network(name: str, directory: Path) -> Path:
    """A file of random weights of torchvision's network of that name, without its head."""
    import torch
    from torchvision import models

    torch.manual_seed(SEED)
    state = models.get_model(name, weights=None).state_dict()
    path = directory / f"{name}.pth"
    torch.save({key: value for key, value in state.items() if not key.startswith(HEADS)}, path)
    return path


def make_distilbert(directory: Path, texts: Sequence[str], *, layers: int = 6) -> Path:
    """A directory with a DistilBERT of random weights, 768 wide, and a word-piece vocabulary learned from ``texts``."""
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    path = directory / "distilbert"
    path.mkdir()
    _write_tokenizer(path, texts)
    torch.manual_seed(SEED)
    words = len((path / "vocab.txt").read_text(encoding="utf-8").splitlines())
    DistilBertModel(DistilBertConfig(vocab_size=words, n_layers=layers)).save_pretrained(path)
    return path


def make_sentence_transformer(directory: Path, distilbert: Path) -> Path:
    """A directory with a SentenceTransformer of that DistilBERT and the mean of its tokens, as stsb-distilbert-base."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    path = directory / "sentence-transformer"
    transformer: Any = Transformer(str(distilbert))
    SentenceTransformer(modules=[transformer, Pooling(transformer.get_embedding_dimension())], device="cpu").save(
        str(path)
    )
    return path


def _write_tokenizer(path: Path, texts: Sequence[str]) -> None:
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(lowercase=True)
    tokenizer.train_from_iterator(texts, vocab_size=WORDS, special_tokens=list(SPECIAL), show_progress=False)
    tokenizer.save_model(str(path))
    tokenizer.save(str(path / "tokenizer.json"))
    settings = {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": True, "model_max_length": 512}
    (path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
