"""The side that speaks to Telegram: the only package beside the sandbox that knows Telethon and MTProto."""
