"""Two small encoders that plug into Shelfmate: ``letters`` for texts, ``greys`` for images."""
