"""The entry point. What needs nothing is answered before anything is imported: the version, and a run with nothing
to do.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from tane.runs import standing


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command `argv` (the process's own by default) and exit with its code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        from tane.version import __version__

        print(f"tane {__version__}")
        sys.exit(0)
    if arguments[:1] == ["run"]:
        text = standing.holds(home(arguments), arguments)
        if text is not None:
            sys.exit(say(text))
    from tane import errors
    from tane.cli import group

    code = group.execute(arguments)
    if code == errors.InterruptedRun.exit_code:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second interrupt must not change the exit code
    if argv is None:
        gc.freeze()  # the process ends: looking for cycles among all that was imported would take a quarter of its time
    sys.exit(code)


def say(text: str) -> int:
    """Print `text` whole; the exit code, which is that of a failed place when it cannot be written."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error: cannot write to standard output: {error.strerror}", file=sys.stderr)
        return 4
    return 0


def home(arguments: Sequence[str]) -> str:
    """The `.tane` folder that `arguments` are about: beside the flow file they name, else found upwards from here."""
    for argument in arguments[1:]:
        if argument.endswith(".py"):
            return os.path.join(os.path.dirname(os.path.abspath(argument)), ".tane")
    folder = os.getcwd()
    while not os.path.isdir(os.path.join(folder, ".tane")):
        above = os.path.dirname(folder)
        if above == folder:
            break
        folder = above
    return os.path.join(folder, ".tane")


if __name__ == "__main__":
    main()
