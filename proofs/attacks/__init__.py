"""Attacks on a running service, as data: a case each, in one file a section. ``proofs/prove/attacks.py`` runs them.

Rows are named after the threat model's: A authentication, K keys and secrets, T tenancy, I input, D exhaustion,
S addresses that users name, W browsers, G Telegram; R, races, are ours.
"""
