"""Remembering: the port in domain words, and one adapter for each kind of database."""
