"""A simple model of people, chats and messages, and the clients that a data centre is compared with by it.

It knows Telegram's documentation and TL; of the data centre it knows nothing but the address.
"""
