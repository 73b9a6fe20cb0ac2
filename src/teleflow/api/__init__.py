"""The HTTP way in: what arrives is checked and named, the services decide, what they say is told. No rules here."""
