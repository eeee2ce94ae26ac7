"""``python -m tricord.cli``."""

import sys

from .main import main

sys.exit(main())
