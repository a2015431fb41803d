from shapes import asked, expected
from watch import Watch

import tane
from tane.runs import running  # noqa: F401  its import is no part of the work


def main() -> None:
    count, _ = asked()
    with Watch():
        run = tane.open_project("flow.py").run(jobs=2)
    assert run["v0"] == expected(count)


if __name__ == "__main__":
    main()
