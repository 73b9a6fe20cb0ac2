"""What an operator does with an installation's data, beside the service or in its place: keys, backups, copies."""
