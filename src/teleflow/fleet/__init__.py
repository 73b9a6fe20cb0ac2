"""The sessions that run in this process, and the way to them."""
