"""Statistics recomputed from clusters of items that are drawn again and again."""
