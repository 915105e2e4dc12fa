"""``python -m issuer_service.commands``: ``ewallet-issuer``, also where it is not installed."""

from __future__ import annotations

import sys

from issuer_service.commands import main

if __name__ == "__main__":
    sys.exit(main())
