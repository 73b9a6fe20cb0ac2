"""The PostgreSQL engine: one writer with group commit, a pool of readers beside it."""
