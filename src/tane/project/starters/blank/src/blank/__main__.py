"""`python -m {{ package }}`: the same as `tane run` in the project's folder."""

import os
import sys

from tane.cli.main import main

from . import settings

if __name__ == "__main__":
    if (settings.ROOT / "pyproject.toml").is_file():  # installed elsewhere, the project is where the user stands
        os.chdir(settings.ROOT)
    sys.exit(main(["run", *sys.argv[1:]]))
