"""The nouns, as frozen values, and the rules that need nothing but them. No I/O, no HTTP, no TL, no SQL."""
