"""TL to model: pure functions."""
