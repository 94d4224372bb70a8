"""A small corpus whose words carry the rating, and a text encoder small enough to train in a second."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel

from backend.ratings.backbone import Backbone
from backend.ratings.corpus import Example
from backend.ratings.features import Features

WORDS = {1: "awful", 2: "poor", 3: "okay", 4: "good", 5: "lovely"}
SENTENCE = "the dress shirt colour fits well this my size it is and very shoes wear bought blue soft"
FILLER = SENTENCE.split()


def examples(count: int, *, seed: int = 0, products: int = 12, images: bool = False, users: int = 0) -> list[Example]:
    """Reviews in which one word tells the rating, except in one of ten; with ``images`` the photograph tells it too."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        rating = int(random.choice(5, p=[0.1, 0.1, 0.15, 0.25, 0.4])) + 1
        said = rating if random.random() > 0.1 else int(random.integers(1, 6))
        words = [*random.choice(FILLER, int(random.integers(3, 12))), WORDS[said]]
        found.append(
            Example(
                review_id=str(number),
                product=f"p{random.integers(products)}",
                user=f"u{random.integers(users)}" if users else None,
                title="" if number % 3 else str(random.choice(FILLER)),
                text=" ".join(random.permutation(words)),
                rating=rating,
                image=photograph(rating) if images and number % 4 else None,
            )
        )
    return found


def photograph(rating: int) -> bytes:
    """A grey photograph, the lighter the more stars."""
    written = io.BytesIO()
    Image.new("RGB", (24, 24), (rating * 45,) * 3).save(written, "PNG")
    return written.getvalue()


def backbone() -> Backbone:
    """A BERT of two layers with random weights, and a tokenizer that knows the corpus's words."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS.values(), *FILLER]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    config = {
        "model_type": "bert",
        "vocab_size": len(words),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "hidden_dropout_prob": 0.1,
    }
    with torch.random.fork_rng():
        torch.manual_seed(3)
        bert = BertModel(BertConfig(**config), add_pooling_layer=False)
    weights = {name: value.numpy() for name, value in bert.state_dict().items() if "position_ids" not in name}
    return Backbone(config, tokenizer.to_str(), weights)


def save_backbone(directory: Path) -> Path:
    """``backbone`` in transformers' layout."""
    from safetensors.numpy import save_file

    made = backbone()
    (directory / "config.json").write_text(json.dumps(made.config), encoding="utf-8")
    (directory / "tokenizer.json").write_text(made.tokenizer, encoding="utf-8")
    save_file(made.weights, directory / "model.safetensors")
    return directory


def features(*modalities: str) -> Features:
    """Encoders that need no weights."""
    return Features("hashing:48", "hashing:24", modalities or ("text", "image"))  # type: ignore[arg-type]
