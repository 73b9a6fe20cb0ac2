"""The composition root: one node put together (`gateway`), and as a process (`serving`)."""

from __future__ import annotations

from teleflow.app.gateway import Gateway
from teleflow.app.serving import Ready, listen, serve

__all__ = ["Gateway", "Ready", "listen", "serve"]
