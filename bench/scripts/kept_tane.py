import sys

from watch import Watch, expected

import tane
from tane.runs import running  # noqa: F401  its import is no part of the work

count = int(sys.argv[1])

with Watch():
    run = tane.open_project("flow.py").run()
assert run["v0"] == expected(count)
