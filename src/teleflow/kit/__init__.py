"""Tools that know neither Telegram nor HTTP, and could each be a library of their own."""
