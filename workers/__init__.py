"""The embedding worker: claims jobs, encodes products, stores vectors."""
