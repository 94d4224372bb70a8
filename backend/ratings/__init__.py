"""The rating predictor: stars from what is written and shown."""
