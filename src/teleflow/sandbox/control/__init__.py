"""The control API: JSON over HTTP, for tests, scripts and people who want to see what the sandbox knows."""
