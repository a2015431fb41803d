"""The command line of a script: `python train.py model.lr=0.1`, `-m` for a sweep, `--help`. Called by `mains`."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from tane import errors, fielded
from tane.scripts import describing, performing, sweeping

_VALUED = {
    "--name": "name",
    "--experiment": "experiment",
    "--params": "params",
    "--folders": "folders",
    "--resume": "resume",
    "--cfg": "show",
    "-j": "jobs",
    "--jobs": "jobs",
}
_FLAGS = {
    "-h": "help",
    "--help": "help",
    "-m": "multirun",
    "--multirun": "multirun",
    "--config-only": "show",
    "--no-record": "unrecorded",
}


@fielded.mutable
class Words:
    """What a command line says."""

    overrides: list[str] = fielded.field(default_factory=list)
    help: str = ""
    multirun: str = ""
    show: str = ""
    unrecorded: str = ""
    name: str = ""
    experiment: str = ""
    params: str = ""
    folders: str = ""
    resume: str = ""
    jobs: str = ""


def execute(script: performing.Script, argv: Sequence[str]) -> Any:
    """Do what the command line says: the function's result, or those of a sweep by number.

    Ends the process with an exit code when something fails.
    """
    try:
        with _interruptible():
            return _execute(script, argv)
    except errors.TaneError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(errors.InterruptedRun.exit_code)


def _execute(script: performing.Script, argv: Sequence[str]) -> Any:
    words = read(argv)
    if words.help:
        print(describing.usage(script, words.overrides, words.params))
        sys.exit(0)
    if words.show:
        print(performing.as_yaml(script.files(words.params).compose(tuple(words.overrides))), end="")
        sys.exit(0)
    name = words.name or script.name
    if words.multirun or words.resume:
        asked = sweeping.Asked(
            name, words.experiment, words.params, Path(words.folders or "multirun"), _jobs(words.jobs), words.resume
        )
        sweep = sweeping.sweep(script, words.overrides, asked, _tell)
        if sweep.failed:
            sys.exit(errors.UserCodeError.exit_code)
        return sweep.results
    several = [word for word in (("--folders", words.folders), ("--jobs", words.jobs)) if word[1]]
    if several:
        raise errors.UsageError(f"{several[0][0]} is for sweeps", hint="add -m")
    config = script.files(words.params).compose(tuple(words.overrides))
    for notice in config.notices:
        print(f"note: {notice}", file=sys.stderr)
    job = sweeping.job_of_parent()
    if job is not None:
        ran = sweeping.perform_for_parent(script, config, job)
    else:
        asked_one = performing.Asked(name, words.experiment, record=not words.unrecorded)
        ran = performing.perform(script, config, asked_one, _tell)
    if ran.exit_code:
        sys.exit(ran.exit_code)
    return ran.result


def read(argv: Sequence[str]) -> Words:
    """The words of a command line, sorted. Raises `errors.UsageError` for what is neither option nor override."""
    words, rest = Words(), list(argv)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if option in _VALUED and option.startswith("-"):
            if not equals and not rest:
                raise errors.UsageError(f"{option} takes a value", hint="--help says which")
            setattr(words, _VALUED[option], value if equals else rest.pop(0))
        elif word.startswith("-j") and word[2:].isdigit():
            words.jobs = word[2:]
        elif word in _FLAGS:
            setattr(words, _FLAGS[word], "yes")
        elif word == "with" or not word:  # between a command and its overrides, as in Sacred
            continue
        elif word.startswith("-"):
            _unknown(word, rest)
        elif "=" in word or word.startswith(("~", "+")):
            words.overrides.append(word)
        elif word.endswith((".yml", ".yaml", ".json")) and not words.params:
            words.params = word
        else:
            hint = f"write {word}={rest[0]}" if rest and "=" not in rest[0] else "overrides are key=value; --help lists"
            raise errors.UsageError(f"{word!r} is no override", hint=hint)
    return words


def _unknown(word: str, rest: Sequence[str]) -> NoReturn:
    known = [*_VALUED, *_FLAGS]
    near = errors.nearest(word.partition("=")[0], [each for each in known if each.startswith("--")])
    bare = word.lstrip("-").replace("-", "_")
    bare = bare if "=" in bare or not rest or rest[0].startswith("-") else f"{bare}={rest[0]}"
    hint = f"did you mean {near!r}?" if near else f"a parameter is set by {bare}, without dashes"
    raise errors.UsageError(f"there is no option {word}", hint=hint)


def _jobs(text: str) -> int:
    if not text:
        return 1
    if not text.isdigit() or int(text) < 1:
        raise errors.UsageError(f"-j {text} is no number of jobs", hint="give 1 or more")
    return int(text)


def _tell(line: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads any more, or the script has closed it
        print(line, flush=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """A script that is asked to end closes its run as an interrupted one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    if before is not signal.SIG_DFL:  # the script, or who started it, has a way of its own
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
