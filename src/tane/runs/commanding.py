"""Running a command: its inputs as files, its outputs as the files it wrote, what it says into the run's log.

Called by `work` for a step of a project and by `calling` for one without. It promises that a command is ended with all
that it started: when it ends, when it is interrupted, and when this process is ended because it takes too long.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.ledger import records
from tane.pipeline import binding, commands
from tane.runs import arguments, following, keeping
from tane.store import signatures

LOGGER = logging.getLogger("tane.command")


class Input(NamedTuple):
    """What an input is: a `file` that holds it, or a value. `signature` is how that file must have stayed."""

    value: Any = None
    file: Path | None = None
    signature: signatures.Signature | None = None


@fielded.frozen
class Written:
    """An output: the file or folder that holds it; `printed`: it is what the command printed."""

    node: str
    label: str
    path: Path
    printed: bool

    def value(self) -> str | bytes:
        """What it is as a value: text, or bytes where it is none. What was printed ends before its last line ends."""
        if self.path.is_dir():
            raise errors.UserCodeError(
                f"node {self.node!r} made a folder as output {self.label!r}, which is not catalogued",
                hint=f"catalogue {self.label!r} as a dataset that is a folder, or write a file",
            )
        data = self.path.read_bytes()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return data
        return text.removesuffix("\n") if self.printed else text


class Performed(NamedTuple):
    """What a step that is a command made, and what it took: CPU seconds, and the peak of its memory in bytes."""

    outputs: tuple[keeping.Made, ...]
    cpu: float
    peak_memory: int


def perform(
    command: commands.Command,
    node: str,
    given: Sequence[arguments.Argument],
    outputs: Sequence[keeping.Output],
    place: arguments.Place,
    root: Path,
) -> Performed:
    """Run the command of a step in the project folder `root`, on what the store holds, and keep what it wrote.

    The file of a dataset is handed over as it is kept, and the file that is written for one is kept as it is.
    """
    with ExitStack() as during:
        folder = during.enter_context(place.store.scratch())
        inputs = [
            _as_input(argument, place, during, folder / "changed" / str(number))
            for number, argument in enumerate(given)
        ]
        written, ended = _run(command, node, inputs, list(map(_filename, outputs)), folder, root)
        made = tuple(_keep(output, each, place) for output, each in zip(outputs, written, strict=True))
    return Performed(made, ended.cpu, ended.peak_memory)


def in_memory(command: commands.Command, node: str, values: Sequence[Any]) -> Any:
    """Run a command on values, in a temporary folder; what a function would return: nothing, a value or a list."""
    import tempfile  # slow to import

    with tempfile.TemporaryDirectory(prefix="tane-") as folder:
        inputs = [Input(value) for value in values]
        written, _ = _run(command, node, inputs, [""] * len(command.outputs), Path(folder), Path.cwd())
        made = [one.value() for one in written]
    return made if command.many else made[0] if made else None


def _run(
    command: commands.Command,
    node: str,
    inputs: Sequence[Input],
    filenames: Sequence[str],
    folder: Path,
    root: Path,
) -> tuple[list[Written], following.Ended]:
    """Run `command` in the folder `root`; what it wrote, one for each of its outputs, and how it ended.

    `inputs` are those of the command, in order; `filenames` are the names that its outputs' files must have (empty:
    any). `folder` is an empty one for files in between; what was written lies there.
    """
    variables: dict[str, str] = {}
    names = _variables(command)
    given = _hand_over(command, node, inputs, folder / "in", variables, names)
    outputs = []
    for number, (label, filename) in enumerate(zip(command.outputs, filenames, strict=True)):
        path = folder / "out" / str(number) / (filename or label)
        path.parent.mkdir(parents=True)
        outputs.append(Written(node, label, path, label == command.printed))
        variables[names[label]] = str(path)
    printed = folder / "printed" if command.printed else None
    before = {label: _state(signature or signatures.of(path)) for label, (path, signature) in given.items()}
    _check_length(command, node, variables)
    ended = following.run(
        [command.shell, "-e", "-c", command.script],
        environment={**_environment(), **variables},
        root=root,
        printed=printed,
        log=LOGGER,
    )
    shown = command.shown(variables)
    if ended.how:
        raise _failed(node, shown, ended)
    changed = [label for label, (path, _) in given.items() if _state(signatures.of(path)) != before[label]]
    if changed:
        raise errors.UserCodeError(
            f"the command of node {node!r} changed its input {', '.join(changed)}",
            hint="an input may only be read: copy it first, and write to the path of an output",
            traceback=f"$ {shown}",
        )
    if printed is not None:
        _place_printed(printed, outputs)
    _check_written(outputs, shown)
    return outputs, ended


# --- files of the store --------------------------------------------------------------------------------------------


def _as_input(argument: arguments.Argument, place: arguments.Place, during: ExitStack, folder: Path) -> Input:
    """What the command is given for an argument: the kept file of a dataset, else the value."""
    if isinstance(argument, arguments.Filed):
        if argument.path is not None:
            return Input(file=argument.path, signature=argument.signature)
        return Input(file=during.enter_context(place.store.named(argument.digest, argument.dataset.filename)))
    if isinstance(argument, arguments.Part):
        return Input(file=during.enter_context(place.store.named(argument.digest, argument.filename)))
    value = argument.fetch(place, during)
    if isinstance(argument, arguments.Transformed) and isinstance(argument.argument, arguments.Filed):
        dataset = argument.argument.dataset  # what changes its value changes the file that the command sees
        folder.mkdir(parents=True)
        dataset.write(value, folder / dataset.filename)
        return Input(file=folder / dataset.filename)
    return Input(value)


def _filename(output: keeping.Output) -> str:
    return output.dataset.filename if output.dataset is not None and output.dataset.kind == "file" else ""


def _keep(output: keeping.Output, written: Written, place: arguments.Place) -> keeping.Made:
    dataset = output.dataset
    if dataset is None or dataset.kind != "file":
        return keeping.keep(output, written.value(), place, written.node)
    if written.path.is_dir() and not (dataset.format is not None and dataset.format.folders):
        raise errors.UserCodeError(
            f"node {written.node!r} made a folder as output {written.label!r}, and {dataset.type} is a file",
            hint="write one file to the path that is given, or change its type in the catalog",
        )
    digest = place.store.put_path(written.path, take=True)
    size, save = place.store.size(digest), keeping.save_digest(dataset)
    return keeping.Made(records.Kept(output.name, digest, file=digest, save=save, bytes=size))


# --- before --------------------------------------------------------------------------------------------------------


def _variables(command: commands.Command) -> dict[str, str]:
    takes = {label: commands.variable(label, "INPUT") for label in command.inputs}
    return takes | {label: commands.variable(label, "OUTPUT") for label in command.outputs}


def _environment() -> dict[str, str]:
    """The user's environment, without what is left of a command that we run within."""
    own = ("TANE_INPUT_", "TANE_OUTPUT_", "TANE_PARAM_", "TANE_PARAMETERS")
    return {
        name: value for name, value in os.environ.items() if not name.startswith(own) or name.startswith("TANE_PARAM__")
    }


def _hand_over(
    command: commands.Command,
    node: str,
    inputs: Sequence[Input],
    folder: Path,
    variables: dict[str, str],
    names: Mapping[str, str],
) -> dict[str, tuple[Path, signatures.Signature | None]]:
    """Write what is no file yet, and note what each variable is to be. The files, and how they must stay, by input."""
    placed = {piece.label for piece in command.pieces if isinstance(piece, commands.Hole)}
    found: dict[str, tuple[Path, signatures.Signature | None]] = {}
    for number, (label, given) in enumerate(zip(command.inputs, inputs, strict=True)):
        if binding.is_parameter(label):
            text = _parameter(given.value)
        elif given.file is not None:
            found[label] = (given.file, given.signature)
            text = str(given.file)
        else:
            content = _content(given.value)
            if content is None:
                if label in placed:
                    raise _no_file(label, given.value, node)
                continue  # taken for the order alone, or a program that looks for its variable will say so
            data, suffix = content
            path = folder / str(number) / f"{label}{suffix}"
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
            found[label] = (path, None)
            text = str(path)
        variables[names[label]] = text
    return found


def _content(value: Any) -> tuple[bytes, str] | None:
    """A plain value as the content of a file, and the suffix of its name; None for one that a file cannot stand for."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value), ""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape"), ".txt"
    if isinstance(value, (bool, int, float)):
        return f"{_plain(value)}\n".encode(), ".txt"
    if isinstance(value, (dict, list, tuple)):
        try:
            return f"{json.dumps(value, ensure_ascii=False)}\n".encode(), ".json"
        except (TypeError, ValueError, RecursionError):
            return None
    return None


def _plain(value: bool | int | float) -> str:
    """A number as text; one of NumPy's is a number too, and writes itself otherwise."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return int.__repr__(value) if isinstance(value, int) else float.__repr__(value)


def _parameter(value: Any) -> str:
    """A parameter's value as one would write it in YAML; lists and dicts as JSON."""
    if isinstance(value, (bool, int, float)):
        return _plain(value)
    if isinstance(value, (dict, list, tuple)) or value is None:
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _no_file(label: str, value: Any, node: str) -> errors.UserCodeError:
    kind = type(value)
    name = (
        kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]} {kind.__name__}"
    )
    return errors.UserCodeError(
        f"input {label!r} of node {node!r} is a {name} and no file that a command could read",
        hint=f"catalogue {label!r} with a type that is a file, such as pandas.CSVDataset or json.JSONDataset",
    )


_LONGEST = 100_000  # bytes; the system takes no more than 128 KiB for one variable


def _check_length(command: commands.Command, node: str, variables: Mapping[str, str]) -> None:
    """Refuse what the system would: parameters are for numbers and names, not for data."""
    for label in command.inputs:
        text = variables.get(commands.variable(label, "INPUT"), "")
        if "\0" in text or len(os.fsencode(text.encode("utf-8", "replace"))) > _LONGEST:
            what = "has a zero byte in it" if "\0" in text else "is too long for a command"
            raise errors.UserCodeError(
                f"{label!r}, which node {node!r} takes, {what}", hint="make it a dataset: its path is handed over"
            )


def _state(signature: signatures.Signature | None) -> tuple[int, ...]:
    """What of a file's signature only a writer changes: another step may link to the same object meanwhile."""
    return () if signature is None else (signature[0], signature[1], signature[3])


# --- after ---------------------------------------------------------------------------------------------------------


def _place_printed(printed: Path, outputs: Sequence[Written]) -> None:
    """Make what was printed the output that is not named in the command.

    Unless the command found that output's path in its environment and wrote it: then what it printed is for the log.
    """
    target = next(one.path for one in outputs if one.printed)
    if os.path.lexists(target):
        lines = following.Lines(LOGGER)
        with printed.open("rb") as file:
            while data := file.read(following.BLOCK):
                lines.feed(data)
        lines.end()
    else:
        os.rename(printed, target)


def _check_written(outputs: Sequence[Written], shown: str) -> None:
    missing = [one for one in outputs if not (one.path.is_file() or one.path.is_dir())]
    if not missing:
        return
    first = missing[0]
    beside = sorted(os.listdir(first.path.parent))
    hint = f"it must write to the path that stands for {{{first.label}}}"
    if beside:
        hint += f": it wrote {', '.join(beside[:5])} there, not {first.path.name}"
    raise errors.UserCodeError(
        f"the command of node {first.node!r} did not write output {', '.join(repr(one.label) for one in missing)}",
        hint=hint,
        traceback=f"$ {shown}",
    )


def _failed(node: str, shown: str, ended: following.Ended) -> errors.UserCodeError:
    """The error of a command that did not end well: how, what it said last, and the command itself."""
    telling = [line.strip() for line in ended.last if "error" in line.lower()] or [line.strip() for line in ended.last]
    last = f": {telling[-1][:200]}" if telling and telling[-1] else ""
    if ended.code == 127:
        hint = "install the program, or give its path; what succeeded is kept"
    elif ended.code == 126:
        hint = "make the file executable (chmod +x), or name the program that runs it"
    elif "SIGKILL" in ended.how:
        hint = "somebody stopped it, or memory ran out: then the system kills the largest process"
    else:
        hint = "mend it and run again: what succeeded is kept"
    return errors.UserCodeError(
        f"node {node!r} failed: {ended.how}{last}",
        hint=hint,
        traceback="\n".join([f"$ {shown}", *ended.last]),
        raised=_RAISED,
    )


_RAISED = ("subprocess.CalledProcessError", "subprocess.SubprocessError", "builtins.Exception")  # as Python calls it
