"""The pictures of the sample catalogue: outlines, surfaces, light, and a painter for each kind."""
