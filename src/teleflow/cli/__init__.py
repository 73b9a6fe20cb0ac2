"""The command line. It reads options, calls what is below, and prints; an error is one line and an exit code."""
