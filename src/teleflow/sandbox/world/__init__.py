"""People, logins, messages and positions: what is true in the emulated Telegram."""
