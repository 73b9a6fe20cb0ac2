"""Links beside a session's own, for the bytes of files."""
