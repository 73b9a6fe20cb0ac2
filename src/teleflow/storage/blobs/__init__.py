"""A cache of whole files: `base` is the port."""
