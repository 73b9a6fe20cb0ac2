"""What must become of each error that Telegram can answer: the table, and the ways on which it is tried."""
