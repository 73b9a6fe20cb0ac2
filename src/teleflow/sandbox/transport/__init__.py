"""Bytes on a TCP connection to packets and back. Knows nothing of keys, sessions or Telegram's objects."""
