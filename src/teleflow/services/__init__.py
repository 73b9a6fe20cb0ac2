"""Use cases: who may do what, on what, and in which order. No HTTP, no TL, no SQL in here."""
