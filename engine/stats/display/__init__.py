"""How figures are shown: their units, their words, and where they stand on an axis."""
