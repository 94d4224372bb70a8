"""Text and images to unit vectors; knows nothing of the database. Importing it loads no model library."""

from backend.encoders.protocols import EncoderSpec, ImageEncoder, TextEncoder
from backend.encoders.registry import (
    describe_image_encoder,
    describe_text_encoder,
    load_image_encoder,
    load_text_encoder,
)

__all__ = [
    "EncoderSpec",
    "ImageEncoder",
    "TextEncoder",
    "describe_image_encoder",
    "describe_text_encoder",
    "load_image_encoder",
    "load_text_encoder",
]
