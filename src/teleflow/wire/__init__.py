"""The JSON forms of what the model knows: the same in answers, in events and in webhooks."""
