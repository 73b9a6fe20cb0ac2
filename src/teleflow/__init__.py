"""TeleFlow: many Telegram user accounts over plain HTTP."""

__version__ = "0.1.0"
