"""Text and images to vectors; knows nothing of the database. Importing it loads no model library."""

from backend.encoders.names import EncoderName, Form
from backend.encoders.protocols import Described, EncoderSpec, ImageEncoder, TextEncoder
from backend.encoders.registry import (
    describe_image_encoder,
    describe_text_encoder,
    fit_text_encoder,
    load_image_encoder,
    load_text_encoder,
    needs_fitting,
)

__all__ = [
    "Described",
    "EncoderName",
    "EncoderSpec",
    "Form",
    "ImageEncoder",
    "TextEncoder",
    "describe_image_encoder",
    "describe_text_encoder",
    "fit_text_encoder",
    "load_image_encoder",
    "load_text_encoder",
    "needs_fitting",
]
