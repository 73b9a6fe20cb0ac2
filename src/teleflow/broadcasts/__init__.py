"""Broadcasts on their way: the recipient whose turn it is becomes a send job, a few ahead of what is out."""
