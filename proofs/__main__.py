"""``python -m proofs prove|bench [NAME] …``"""

from __future__ import annotations

import sys

from proofs.frame import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
