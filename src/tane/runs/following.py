"""One program from its start to its end: what it says goes into a log line by line, and nothing it started outlives it.

Called by `commanding`. The program leads a process group of its own. A guard, which is told when all is over, ends that
group should this process be killed meanwhile.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from tane import errors

BLOCK = 1 << 16
_KEPT = 10  # lines, for an error to show
_GRACE = 2.0  # seconds to end by itself when asked to, and to say the rest when the shell has ended
_TICK = 0.1


class Ended(NamedTuple):
    """How a program ended: in words (empty: well), its exit code, what it said last.

    `cpu` (seconds) and `peak_memory` (bytes) are its use of the machine, with that of the programs it has waited for.
    """

    how: str
    code: int
    last: tuple[str, ...]
    cpu: float
    peak_memory: int


class Lines:
    """What a program says, cut into lines for `log`; `last` are the last few. Bounded, whatever it says."""

    def __init__(self, log: logging.Logger) -> None:
        self.last: deque[str] = deque(maxlen=_KEPT)
        self._log = log if log.isEnabledFor(logging.INFO) else None
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take what was said next, whole lines or not."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > BLOCK:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._take(line)

    def end(self) -> None:
        """Take what was said without the end of a line."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""

    def _take(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        text = text.rpartition("\r")[2]  # a bar that was drawn again and again
        self.last.append(text)
        if self._log is not None:
            self._log.info("%s", text)


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    root: Path,
    printed: Path | None,
    log: logging.Logger,
) -> Ended:
    """Run a program in the folder `root` until it ends.

    It reads nothing. What it prints goes into the file `printed` or, where that is None, into `log`, as do its errors.
    """
    program: _Program | None = None
    guard: _Guard | None = None
    said, complained = Lines(log), Lines(log)
    try:
        with _undisturbed():
            program = _Program(_started(arguments, environment, root, printed))
            guard = _Guard(program.group)
        _follow(program, {program.process.stdout: said, program.process.stderr: complained})
        _signal(program.group, signal.SIGKILL)  # what it left behind
    except BaseException:
        if program is not None:
            program.end()
        raise
    finally:
        if program is not None:
            program.close()
        if guard is not None:
            guard.dismiss()
    said.end()
    complained.end()
    code = program.process.returncode
    return Ended(_how(code), code, tuple(complained.last or said.last), program.cpu, program.peak_memory)


def stop_all() -> None:
    """End every program that runs in this process, from another thread: those that wait for them go on."""
    for group in tuple(_groups):
        _signal(group, signal.SIGKILL)


_groups: set[int] = set()


class _Program:
    """A program under way, and what it has used when it has ended."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.group: int = process.pid
        self.cpu = 0.0
        self.peak_memory = 0
        _groups.add(self.group)

    def has_ended(self, *, wait: bool = False) -> bool:
        """Whether it has ended; with `wait` it will have."""
        if self.process.returncode is None:
            try:
                found, status, usage = os.wait4(self.group, 0 if wait else os.WNOHANG)
            except ChildProcessError:  # somebody here waits for all children
                self.process.wait()
                return True
            if not found:
                return False
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu = usage.ru_utime + usage.ru_stime
            self.peak_memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return True

    def end(self) -> None:
        """Ask it and all in its group to end; what does not is killed."""
        with _undisturbed():
            deadline = time.monotonic() + _GRACE
            alive = _signal(self.group, signal.SIGTERM)
            while alive and time.monotonic() < deadline:
                time.sleep(_TICK / 5)
                self.has_ended()
                alive = _signal(self.group, 0)
            _signal(self.group, signal.SIGKILL)
            self.has_ended(wait=True)

    def close(self) -> None:
        """Let go of what it says."""
        _groups.discard(self.group)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def _started(arguments: Sequence[str], environment: Mapping[str, str], root: Path, printed: Path | None) -> Any:
    import subprocess

    output = subprocess.PIPE if printed is None else os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        return subprocess.Popen(
            arguments,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        what = f"there is no program {arguments[0]!r}" if root.is_dir() else f"there is no folder {root}"
        raise errors.UsageError(what, hint="install it, or name another shell: shell=") from None
    except OSError as error:
        hint = "make parameters of it shorter, or datasets" if error.errno == errno.E2BIG else "see whether it can run"
        raise errors.UsageError(f"{arguments[0]!r} cannot be started: {error.strerror}", hint=hint) from error
    finally:
        if printed is not None:
            os.close(output)


def _follow(program: _Program, streams: Mapping[IO[bytes] | None, Lines]) -> None:
    """Read until the program has ended. What it left running may keep its streams open: they are read a bit longer."""
    import selectors

    over = float("inf")
    with selectors.DefaultSelector() as selector:
        for stream, lines in streams.items():
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, lines)
        while selector.get_map() and time.monotonic() < over:
            for key, _ in selector.select(_TICK):
                data = os.read(key.fd, BLOCK)
                if data:
                    key.data.feed(data)
                else:
                    selector.unregister(key.fileobj)
            if program.has_ended():
                over = min(over, time.monotonic() + _GRACE)
    program.has_ended(wait=True)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; whether there was anybody."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class _Guard:
    """A shell that waits for a line from us. When it gets none, because we were killed, it ends the group."""

    def __init__(self, group: int) -> None:
        import subprocess

        reading, self._writing = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["sh", "-c", 'read -r line || kill -KILL "-$1"', "sh", str(group)],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._writing)
            raise
        finally:
            os.close(reading)

    def dismiss(self) -> None:
        """All is over: let it end."""
        with _undisturbed():
            with suppress(BrokenPipeError):
                os.write(self._writing, b"\n")
            os.close(self._writing)
            self._process.wait()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Interrupts inside are raised at the end: none may come between the start of a program and the note of it.

    What is started inside takes interrupts, even where we ignore them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before = [(number, signal.signal(number, lambda number, _: arrived.append(number))) for number in _INTERRUPTS]
    try:
        yield
    finally:
        for number, handler in before:
            if handler is not None:  # None: it was not set from Python, and cannot be set back from here
                signal.signal(number, handler)
    if arrived:
        signal.raise_signal(arrived[0])


_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


def _how(code: int) -> str:
    """How a program ended, in words; empty for well."""
    if not code:
        return ""
    number = -code if code < 0 else code - 128
    try:
        name = signal.Signals(number).name if number > 0 else ""
    except ValueError:
        name = ""
    if code < 0:
        return f"it was ended by {name or f'signal {number}'}"
    return f"exit code {code} ({name})" if name else f"exit code {code}"
