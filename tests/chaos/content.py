"""What products say, and the vector that each must have: computed here, from the encoders alone."""

import hashlib
import io
import math
import random
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.encoders.registry import load_image_encoder, load_text_encoder

Vector = NDArray[np.float32]

VOCABULARY = (
    "red blue green linen cotton silk wool dress shirt shoe boot bag belt scarf summer winter men women kids slim loose"
    " striped plain printed checked leather suede canvas running walking formal casual party beach office travel sport"
)
WORDS = VOCABULARY.split()
PHOTOGRAPHS = 120
# Those of a product that count, the first by position: the mean of their vectors, at length 1.
MOST_PHOTOGRAPHS = 8
# Halves keep 11 bits: a component of a unit vector is off by 2**-12 at most.
ATOL = 1e-3
# 1 January 2020 and two years, by which reviews are weighed.
EPOCH = 1_577_836_800
HALF_LIFE = 2 * 365.25 * 86_400


@dataclass
class Content:
    """What is committed of one product; photographs by position, as hexadecimal hashes."""

    sku: str
    title: str
    description: str = ""
    brand: str | None = None
    photographs: dict[int, str] = field(default_factory=dict)
    reviews: dict[int, "Review"] = field(default_factory=dict)


@dataclass(frozen=True)
class Review:
    """What is committed of one review; times in seconds of the epoch."""

    title: str
    body: str
    votes: int
    written: float | None
    created: float

    @property
    def text(self) -> str:
        """What is encoded of it."""
        return ". ".join(part.strip() for part in (self.title, self.body) if part.strip())

    @property
    def weight(self) -> float:
        """What it counts in its product's block, half as much for every two years of age."""
        at = self.created if self.written is None else min(self.written, self.created)
        return float((1 + math.log1p(self.votes)) * 2 ** ((at - EPOCH) / HALF_LIFE))


@dataclass(frozen=True)
class Recipe:
    """A space of the test: each of ``texts`` is encoded apart, fields joined by full stops, as ``a+b``."""

    name: str
    text: str
    image: str
    text_weight: float
    texts: tuple[str, ...] = ("title",)
    reviews: str | None = None
    reviews_weight: float = 0.0

    @property
    def dimensions(self) -> tuple[int, int, int]:
        """Lengths of the text block, of the image block and of the reviews' block."""
        return (
            int(self.text.partition(":")[2]) * len(self.texts),
            int(self.image.partition(":")[2]),
            int(self.reviews.partition(":")[2]) if self.reviews else 0,
        )

    @property
    def weights(self) -> tuple[float, float, float]:
        """Weights of the three blocks."""
        return self.text_weight, 1 - self.text_weight - self.reviews_weight, self.reviews_weight

    def vector(self, content: Content) -> Vector:
        """The fused vector of a product."""
        text = np.concatenate([_text(self.text, _joined(content, fields)) for fields in self.texts])
        image = np.zeros(self.dimensions[1], np.float32)
        for _, sha256 in sorted(content.photographs.items())[:MOST_PHOTOGRAPHS]:
            image = image + _image(self.image, sha256)
        reviews = np.zeros(self.dimensions[2], np.float64)
        for review in content.reviews.values():
            if self.reviews and review.text:
                reviews = reviews + review.weight * _text(self.reviews, review.text).astype(np.float64)
        return self._fused(unit(text), unit(image), unit(reviews.astype(np.float32)))

    def query(self, text: str) -> Vector:
        """What stands for a text that a visitor typed, under the space's own weights."""
        block = unit(np.concatenate([_text(self.text, text)] * len(self.texts)))
        reviews = _text(self.reviews, text) if self.reviews else np.zeros(0, np.float32)
        return self._fused(block, np.zeros(self.dimensions[1], np.float32), reviews)

    def _fused(self, *blocks: Vector) -> Vector:
        return np.concatenate([block * weight**0.5 for block, weight in zip(blocks, self.weights, strict=True)])


# Their scores differ, which tells from which of them an answer came.
ONE = Recipe("one", "hashing:64", "hashing:64", 0.5)
TWO = Recipe("two", "hashing:96", "hashing:48", 0.6, reviews="hashing:56", reviews_weight=0.25)
THREE = Recipe("three", "hashing:40", "hashing:24", 0.5, ("title", "title+description"), "hashing:72", 0.2)
RECIPES = {recipe.name: recipe for recipe in (ONE, TWO, THREE)}


def unit(vector: Vector) -> Vector:
    """The vector at length 1; zero stays zero."""
    norm = float(np.linalg.norm(vector))
    return vector / norm if norm else vector


def decoded(sent: bytes) -> Vector:
    """A halfvec as ``halfvec_send`` writes it: two 16-bit numbers, then big-endian halves."""
    return np.frombuffer(sent, dtype=">f2", offset=4).astype(np.float32)


def title(chance: random.Random, number: int) -> str:
    """A title that no other call gives."""
    return " ".join([*chance.sample(WORDS, 4), f"n{number}"])


@lru_cache(maxsize=PHOTOGRAPHS)
def photograph(number: int) -> tuple[bytes, str]:
    """One of ``PHOTOGRAPHS`` JPEGs of 240 x 240 pixels with its hexadecimal SHA-256."""
    pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((240, 240), Image.Resampling.NEAREST).save(stream, "JPEG", quality=80)
    content = stream.getvalue()
    return content, hashlib.sha256(content).hexdigest()


@lru_cache(maxsize=1)
def _by_hash() -> dict[str, bytes]:
    return {sha256: content for content, sha256 in map(photograph, range(PHOTOGRAPHS))}


def _joined(content: Content, fields: str) -> str:
    values = {"title": content.title, "description": content.description, "brand": content.brand or ""}
    return ". ".join(values[name].strip() for name in fields.split("+") if values[name].strip())


@lru_cache(maxsize=100_000)
def _text(encoder: str, text: str) -> Vector:
    vector: Vector = _loaded_text(encoder).encode([text])[0]
    return vector


@lru_cache(maxsize=1000)
def _image(encoder: str, sha256: str) -> Vector:
    loaded = _loaded_image(encoder)
    vector: Vector = loaded.encode([loaded.prepare(_by_hash()[sha256])])[0]
    return vector


_loaded_text = lru_cache(load_text_encoder)
_loaded_image = lru_cache(load_image_encoder)
