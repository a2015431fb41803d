"""One run of a script's function: recorded, with its configuration, what it prints, and its result. Called by `mains`,
`commanding` and `sweeping`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from tane import errors, fielded, outcomes, patterns
from tane.config import compose, scalars, trees
from tane.pipeline.drawing import wording
from tane.project import tracebacks
from tane.scripts import printing, scope
from tane.tracking import endings, sessions

OUTPUT, CONFIG, RESULT = "output.txt", "config.yaml", "result"


class Files(Protocol):
    """The files of a configuration."""

    def options(self, group: str) -> list[str]:
        """The options of a group."""
        ...

    def compose(self, words: tuple[str, ...] = ()) -> compose.Config:
        """The configuration with these overrides."""
        ...


class Script(Protocol):
    """A script's main function, as those who run it see it."""

    @property
    def name(self) -> str:
        """What its runs are called."""
        ...

    @property
    def file(self) -> Path | None:
        """The script."""
        ...

    def files(self, params: str = "") -> Files:
        """Its configuration's files."""
        ...

    def inside(self, config: compose.Config) -> scope.Scope:
        """What functions get their arguments from."""
        ...

    def call(self, inside: scope.Scope) -> Any:
        """The function on a configuration."""
        ...


@fielded.frozen
class Asked:
    """How a run is recorded: its name and experiment, of which sweep it is which point; not at all without `record`."""

    name: str
    experiment: str = ""
    study: str = ""
    trial: int = -1
    record: bool = True


@fielded.frozen
class Ran:
    """How a run ended: its id (empty when it was not recorded), what the function returned, and what it raised."""

    id: str
    result: Any
    config: compose.Config
    status: outcomes.RunStatus
    seconds: float
    error: BaseException | None = fielded.field(default=None, repr=False)

    def raised(self) -> Ran:
        """Itself. Raises what the function raised."""
        if self.error is not None:
            raise self.error
        return self

    @property
    def exit_code(self) -> int:
        """What a process ends with."""
        error = self.error
        if error is None:
            return 0
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error, KeyboardInterrupt):
            return errors.InterruptedRun.exit_code
        return error.exit_code if isinstance(error, errors.TaneError) else errors.UserCodeError.exit_code

    @property
    def said(self) -> str:
        """In one line why it failed; empty when it did not."""
        if self.error is None or self.exit_code == 0:
            return ""
        return str(self.error.faults[0].what) if isinstance(self.error, errors.TaneError) else _line(self.error)


def perform(
    script: Script,
    config: compose.Config,
    asked: Asked,
    tell: Callable[[str], None] = lambda line: None,
    folder: Path | None = None,
) -> Ran:
    """Run the function once. What it raises is part of what is given back; `tell` gets the lines around it.

    `folder` gets the configuration, what was printed and the result as files.
    """
    check(config)
    inside = script.inside(config)
    run = _opened(config, asked) if asked.record else None
    began = time.time()
    identity = f" run {run.id}" if run is not None else ""
    tell(f"Started{identity} of {asked.name} at {_moment(began)}")
    result, error = None, None
    place = folder or Path(tempfile.mkdtemp(prefix="tane-"))
    try:
        _write(place / CONFIG, as_yaml(config))
        with printing.kept(place / OUTPUT):
            began_at = time.perf_counter()
            try:
                result = script.call(inside)
            except BaseException as raised:
                error = raised
                _show(raised)
            seconds = time.perf_counter() - began_at
        status = endings.of(error)[0]
        ran = Ran(run.id if run is not None else "", result, config, status, seconds, error)
        if error is None and result is not None:
            tell(f"Result: {wording.shorten(_shown(result), 400)}")
        _keep(run, place, result, error)
        if run is not None:
            run.end(*endings.of(error))
    finally:
        if folder is None:
            _remove(place)
    how = _ENDED.get(str(status), str(status).capitalize())
    tell(f"{how} after {wording.duration(seconds)} at {_moment(time.time())}" + (f": {ran.said}" if ran.said else ""))
    return ran


_ENDED = {"succeeded": "Completed"}


def check(config: compose.Config) -> None:
    """Raise `errors.ConfigError` with all values that are still to be given."""
    faults = [
        errors.Fault(f"{'.'.join(keys)} is still to be given (???)", str(leaf.origin), f"write {'.'.join(keys)}=VALUE")
        for keys, leaf in trees.leaves(trees.of(config.parameters, compose.Origin()))
        if isinstance(leaf, trees.Leaf) and isinstance(leaf.value, str) and leaf.value == scalars.MISSING
    ]
    if faults:
        raise errors.ConfigError.of(faults, f"{len(faults)} values are still to be given")


def as_yaml(config: compose.Config) -> str:
    """The configuration as YAML."""
    return "".join(_lines(config.plain().get("parameters", {}), "")) or "{}\n"


def _lines(values: Mapping[Any, Any], indent: str) -> Iterator[str]:
    """Keys and values, one a line; what is no mapping is written as JSON, which YAML reads too."""
    for key, value in values.items():
        name = key if isinstance(key, str) and _WORD.fullmatch(key) and key not in _NO_KEYS else json.dumps(key)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:\n"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{name}: {_scalar(value)}\n"


_WORD = patterns.lazily(r"[A-Za-z_][A-Za-z0-9_-]*")
_NO_KEYS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})  # of some readers of YAML


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
        text = repr(value)
        return text if "." in text or "e" not in text else text.replace("e", ".0e")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {_scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and _WORD.fullmatch(value) and value.lower() not in _NO_KEYS:
        return value
    return json.dumps(value, ensure_ascii=False)


# --- the record -----------------------------------------------------------------------------------------------------


def _opened(config: compose.Config, asked: Asked) -> sessions.TrackedRun:
    said: dict[str, Any] = {
        "asked": {"environments": [], "overrides": list(config.overrides)},
        "origins": config.origins(),
        **config.composed_from(),
    }
    part = sessions.Part(said, asked.study, asked.trial)
    return sessions.begin(part, asked.name, params=config.plain().get("parameters", {}), experiment=asked.experiment)


def _keep(run: sessions.TrackedRun | None, place: Path, result: Any, error: BaseException | None) -> None:
    """Keep the configuration, what was printed, and the result, as files of the run; numbers of it as metrics."""
    kept = [CONFIG, *([OUTPUT] if (place / OUTPUT).stat().st_size else [])]
    if error is None and result is not None:
        kept.append(_write_result(place, result))
    if run is None:
        return
    for name in kept:
        run.log_artifact(place / name, name)
    found = numbers(result)
    if found:
        run.log_metrics(found)


def _write_result(place: Path, result: Any) -> str:
    """Write the result as JSON where JSON can say it, else pickled; the name of the file."""
    try:
        text = json.dumps(result, indent=2, ensure_ascii=False, default=_as_python)
    except (TypeError, ValueError, RecursionError):
        import cloudpickle

        try:
            data = cloudpickle.dumps(result)
        except Exception:  # an open file, a generator: its text is all there is to keep
            _write(place / f"{RESULT}.txt", _shown(result))
            return f"{RESULT}.txt"
        (place / f"{RESULT}.pkl").write_bytes(data)
        return f"{RESULT}.pkl"
    _write(place / f"{RESULT}.json", text + "\n")
    return f"{RESULT}.json"


def _as_python(value: Any) -> Any:
    """A number of NumPy's as Python has it."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError(type(value).__name__)


def numbers(result: Any) -> dict[str, float]:
    """The numbers of a result by name: "result" for a single one."""
    if _is_number(result):
        return {RESULT: float(result)}
    if isinstance(result, Mapping):
        return {str(name): float(value) for name, value in result.items() if _is_number(value)}
    return {}


def _is_number(value: Any) -> bool:
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    return isinstance(value, int | float) and not isinstance(value, bool)


# --- what is said -----------------------------------------------------------------------------------------------------


def _show(error: BaseException) -> None:
    """The user's own frames of what was raised, where it was that the script failed."""
    with contextlib.suppress(OSError, ValueError):  # the script has closed standard error
        _print(error)


def _print(error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return
    if isinstance(error, errors.TaneError):
        print(f"error: {error}", file=sys.stderr)
    else:
        print(tracebacks.show(error).text, file=sys.stderr)


def _line(error: BaseException) -> str:
    return tracebacks.show(error).line


def _shown(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:
        return f"(cannot be shown: {type(error).__name__})"


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogateescape")


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
