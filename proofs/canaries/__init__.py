"""Secrets that are told apart: given to the service wherever it takes one, and looked for in all that it tells."""
