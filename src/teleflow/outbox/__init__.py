"""Sends as jobs: accepted on disk, sent with one random_id however often it takes, settled once."""
