"""`python -m worldsim COMMAND`: the same as the installed `worldsim COMMAND`."""

import sys

from worldsim.cli import main

if __name__ == "__main__":
    sys.exit(main())
