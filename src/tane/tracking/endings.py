"""How this process ends, for runs that nobody has ended: with its last line, with an exception, with `sys.exit(3)`.

Python tells what is registered for its end neither the exception nor the exit code. So both are noted when they come
up, and at the end the outermost frame says whether they ended the script or were caught.
"""

from __future__ import annotations

import atexit
import builtins
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, NoReturn

from tane import errors, outcomes

Ending = tuple[outcomes.RunStatus, str]
_WELL: Ending = (outcomes.RunStatus.SUCCEEDED, "")
_crash: list[BaseException] = []
_codes: list[Any] = []  # what sys.exit was called with last, in the main thread
_outermost: list[FrameType] = []
_watching: list[Callable[[Ending], None]] = []


def watch(close: Callable[[Ending], None]) -> None:
    """Have `close` called when the process ends, with how it did. A second call does nothing."""
    if _watching:
        return
    _watching.append(close)
    _hook_exceptions()
    _note_codes()
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    if frame is not None:
        _outermost.append(frame)
    atexit.register(_close)


def of(error: BaseException | None) -> Ending:
    """What an exception, or none, means for the run it ended."""
    if error is None or isinstance(error, GeneratorExit):
        return _WELL
    if isinstance(error, KeyboardInterrupt):
        return outcomes.RunStatus.INTERRUPTED, ""
    if isinstance(error, SystemExit):
        return _of_code(error.code)
    pruned = isinstance(error, errors.PrunedTrial)
    return outcomes.RunStatus.PRUNED if pruned else outcomes.RunStatus.FAILED, f"{type(error).__name__}: {error}"


def is_interactive() -> bool:
    """Whether somebody types the lines: then an exception ends a line, not the process."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)


def _of_code(code: Any) -> Ending:
    if code is None or code == 0:
        return _WELL
    return outcomes.RunStatus.FAILED, f"exit code {code}" if isinstance(code, int) else f"SystemExit: {code}"


def _close() -> None:
    ending = _ending()
    for close in _watching:
        close(ending)


def _ending() -> Ending:
    if _crash:
        return of(_crash[-1])
    if is_interactive() or not _outermost or _returned(_outermost[0]):
        return _WELL
    if _codes:
        return _of_code(_codes[-1])
    why = "the script ended before its last line, by a SystemExit that was raised by hand: use `with tane.start_run()`"
    return outcomes.RunStatus.INTERRUPTED, why


def _returned(frame: FrameType) -> bool:
    """Whether the last that a frame did was to return."""
    from opcode import opname

    at = frame.f_lasti
    return at >= 0 and "RETURN" in opname[frame.f_code.co_code[at]]


def _hook_exceptions() -> None:
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not is_interactive():
            _crash.append(error)
        before(kind, error, trace)

    sys.excepthook = hook


def _note_codes() -> None:
    for owner, name in ((sys, "exit"), (builtins, "exit"), (builtins, "quit")):
        leave = getattr(owner, name, None)
        if leave is not None:
            setattr(owner, name, _noting(leave))


def _noting(leave: Callable[..., Any]) -> Callable[..., NoReturn]:
    def exit(code: Any = None, /) -> NoReturn:
        if threading.current_thread() is threading.main_thread():
            _codes[:] = [code]
        leave(code)
        raise SystemExit(code)

    exit.__doc__ = leave.__doc__
    return exit
