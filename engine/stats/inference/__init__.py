"""Tests, intervals, effect sizes and power of paired figures, each a short function without state."""
