"""One module for each bench: ours and the bare client, side by side in one run."""
