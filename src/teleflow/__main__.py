"""`python -m teleflow`: the same as the `teleflow` command."""

from __future__ import annotations

from teleflow.cli.main import main

if __name__ == "__main__":
    main()
