"""The catalogue: products, their photographs and reviews, and the category tree."""
