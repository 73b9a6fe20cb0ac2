"""MTProto 2.0, the server's side: key exchange, encryption, sessions. Knows requests only as things to be answered."""
