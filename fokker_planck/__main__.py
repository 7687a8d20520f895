"""``python -m fokker_planck`` is the command ``fokker-planck``."""

import sys

from fokker_planck.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
