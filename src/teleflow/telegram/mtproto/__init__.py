"""MTProto 2.0, the client's side: framing, key exchange, encryption, and one connection's life.

Telethon lends the TL codec; what happens to a request between "written" and "answered" is ours (decision 0005).
"""
