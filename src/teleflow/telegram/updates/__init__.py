"""The account's updates: in order, each once, and what is missing found (https://core.telegram.org/api/updates)."""
