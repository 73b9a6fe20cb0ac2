"""A client of the older gateway: what it knows of the wire, and its walk over every route."""
