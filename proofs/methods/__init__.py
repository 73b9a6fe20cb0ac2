"""Every method of the sandbox, called by an unmodified Telethon: the cases of `prove sandbox-methods`."""
