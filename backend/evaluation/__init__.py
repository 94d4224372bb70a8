"""How good a space is: evaluation sets from the catalogue, measures with their intervals, two spaces compared."""
