"""The simple API: one Telegram account a user, plain JSON in snake_case, at the root path."""
