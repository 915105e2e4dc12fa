"""``python -m ewallet.cli``."""

import sys

from ewallet.cli import main

sys.exit(main())
