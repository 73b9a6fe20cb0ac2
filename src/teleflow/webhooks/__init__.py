"""Events on their way to the endpoints of their owners: what is due, how it is signed, and the one door out."""
