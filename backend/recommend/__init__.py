"""Top-k: what is like this product, this text; filters, weights, and how it was answered."""
