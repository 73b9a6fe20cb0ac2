"""From sessions' updates to the event log, and from the log to whoever reads it."""
