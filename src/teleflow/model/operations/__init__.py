"""One frozen dataclass for each thing that can be asked of a Telegram account, with the type of its result."""
