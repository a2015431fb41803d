"""`python -m <package>` runs the project: the same as `tane run` in its folder."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    from tane.cli.main import main as tane

    if (ROOT / "pyproject.toml").is_file():  # run from its source tree, wherever the shell stands
        os.chdir(ROOT)
    sys.exit(tane(["run", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
