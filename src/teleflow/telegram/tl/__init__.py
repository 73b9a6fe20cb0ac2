"""The layer that runs here, as data: its methods and constructors, and their JSON form."""
