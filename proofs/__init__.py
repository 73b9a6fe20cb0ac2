"""Promises with their bounds, measured on real processes; and benches beside the bare client.

Run by ``python -m proofs prove|bench``. Nothing here is part of the product, and the product has no mode for it.
"""
