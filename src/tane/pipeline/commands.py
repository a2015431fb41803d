"""Nodes in any language: a shell command with placeholders for what it takes and makes. Nothing runs here.

`command(...)` makes the node; its callable is a `Command`, which the planner and `runs` know how to treat. The shell
never reads a value as code: where a placeholder stands, it is given a variable, and the value is in its environment.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors, fielded, patterns
from tane.pipeline import binding, conditions, nodes, options, shells


class Hole(NamedTuple):
    """A placeholder: the input or output it stands for, the variable that holds its value, whether between quotes."""

    label: str
    variable: str
    quoted: bool


@fielded.frozen
class Command:
    """A shell command as the callable of a node.

    `text` is what the user wrote, `script` what the shell is given, `pieces` the text around its placeholders.
    `inputs` and `outputs` are the names that placeholders use, in the order of the node's: a node may be renamed.
    `printed` is the output that takes what the command prints, or empty. `sources` are files, folders and patterns
    that it rests on beside those it names. `many`: its outputs were given as a list or a dict.
    """

    text: str
    shell: str
    script: str
    pieces: tuple[str | Hole, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    printed: str
    sources: tuple[str, ...]
    many: bool

    @property
    def __name__(self) -> str:
        """The program and the words that follow it: "Rscript fit.R"."""
        return _title(self.masked)

    @property
    def __signature__(self) -> Any:
        """Its inputs as arguments, so that their number and their parameters are checked as a function's are."""
        import inspect

        names = (f"{re.sub(r'[^0-9A-Za-z_]', '_', label)}" for label in self.inputs)
        taken: dict[str, None] = {}
        for name in names:
            name = name if name.isidentifier() else f"_{name}"
            taken[name if name not in taken else f"{name}_{len(taken)}"] = None
        return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in taken])

    @property
    def masked(self) -> str:
        """The command with a `shells.MARK` for each placeholder."""
        return "".join(piece if isinstance(piece, str) else shells.MARK for piece in self.pieces)

    def shown(self, values: Mapping[str, str]) -> str:
        """The command with `values`, by variable, as one would type it."""
        import shlex

        return "".join(
            piece
            if isinstance(piece, str)
            else re.sub(r'([\\$`"])', r"\\\1", values[piece.variable])
            if piece.quoted
            else shlex.quote(values[piece.variable])
            for piece in self.pieces
        )

    def __call__(self, *values: Any) -> Any:
        """Refuse: files are needed, which a run provides."""
        raise errors.PipelineError(
            f"the command {self.__name__!r} cannot be called as a function",
            hint="run its pipeline: tane run, or tane.run(...) in Python",
        )


def command(
    text: str,
    inputs: nodes.Names = None,
    outputs: nodes.Names = None,
    *,
    sources: str | Iterable[str] = (),
    shell: str = "sh",
    name: str | None = None,
    tags: str | Iterable[str] | None = (),
    namespace: str | None = "",
    after: nodes.After = (),
    when: conditions.Given = None,
    always: bool = False,
    over: str | Iterable[str] | None = (),
    confirms: str | Iterable[str] | None = (),
    cache: bool = True,
    retries: int | Mapping[str, Any] | None = None,
    timeout: float | str | None = None,
    resources: Mapping[str, Any] | None = None,
    executor: str = "",
) -> nodes.Node:
    """Describe a step that is a shell command: `command("Rscript fit.R {train} {model}", "train", "model")`.

    `{name}` is the path of a file: the one that holds an input, or the one an output is to be written to. A parameter
    among the inputs is its value: `{params:model.lr}`, or `{model.lr}`. All are quoted by themselves. `{{` and `}}`
    are braces. An output that is not named in the command takes what it prints. With dicts the keys are what the
    command calls its inputs and outputs: `{"data": "area_a.train"}`.

    Every file of the project that the command names is part of its code; `sources` are files, folders and patterns
    that those rest on in turn. `shell` is any of `shells.SHELLS`, or a path to one; lines and commands are run until
    one fails (`-e`). The other options are those of `node`.

    Raises `errors.PipelineError` with all that does not fit; the shell's own words where it does not accept the text.
    """
    label = str(name or (_title(_HOLE.sub(_as_mark, text)) if isinstance(text, str) else "command"))
    faults: list[errors.Fault] = []
    listed = options.names(sources, "sources", "a file, a folder or a pattern", label, faults)
    options.bound(inputs, "inputs", label, faults)
    options.bound(outputs, "outputs", label, faults)
    if not isinstance(shell, str):
        faults.append(errors.Fault(f"shell={shell!r} is no name of a shell", f"node {label!r}", 'write shell="bash"'))
    if faults:
        raise errors.PipelineError.of(faults, f"the command of node {label!r} is not well described")
    takes, makes = _labels(inputs), _labels(outputs)
    many = not (outputs is None or isinstance(outputs, str))
    made = _read(text, shell, takes, makes, listed, label, many=many)
    return nodes.node(
        made,
        list(takes.values()),
        list(outputs.values()) if isinstance(outputs, Mapping) else outputs,
        name=name,
        tags=tags,
        namespace=namespace,
        after=after,
        when=when,
        always=always,
        over=over,
        confirms=confirms,
        cache=cache,
        retries=retries,
        timeout=timeout,
        resources=resources,
        executor=executor,
    )


def _labels(given: nodes.Names) -> dict[str, str]:
    """The names of datasets and parameters by what the command calls them."""
    if given is None:
        return {}
    if isinstance(given, str):
        return {given: given}
    return dict(given) if isinstance(given, Mapping) else {str(name): name for name in given}


# --- reading the text ----------------------------------------------------------------------------------------------

_VARIABLES = patterns.lazily(r"\bTANE_OUTPUT_\w+")
_HOLE = patterns.lazily(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def _as_mark(match: re.Match[str]) -> str:
    return match[0][0] if match[0] in ("{{", "}}") else shells.MARK


def _read(
    text: str,
    shell: str,
    takes: Mapping[str, str],
    makes: Mapping[str, str],
    sources: Sequence[str],
    label: str,
    *,
    many: bool,
) -> Command:
    where = f"node {label!r}"
    faults: list[errors.Fault] = []
    if not isinstance(text, str) or not text.strip() or shells.MARK in text:
        raise errors.PipelineError(
            f"{text!r} is no command", where=where, hint='give its text: command("sort {table}", "table", "sorted")'
        )
    if os.path.basename(shell) not in shells.SHELLS:
        hint = errors.did_you_mean(shell, shells.SHELLS, f"it may be: {', '.join(shells.SHELLS)}")
        faults.append(errors.Fault(f"shell={shell!r} is none whose quoting is known", where, hint))
    known = _variables(takes, makes, where, faults)
    pieces = _pieces(text, known, where, faults)
    placed = {piece.label for piece in pieces if isinstance(piece, Hole)}
    written = _VARIABLES.findall(text)
    placed |= {output for output in makes if known[output] in written}
    loose = [output for output in makes if output not in placed]
    if len(loose) > 1:
        faults.append(
            errors.Fault(
                f"outputs {', '.join(loose)} are not named in the command, and only one can be what it prints",
                where,
                f"put {{{loose[0]}}} where the command takes the path to write to",
            )
        )
    if not faults:
        pieces = _quoted(pieces, shell, where, faults)
    script = "".join(piece if isinstance(piece, str) else _expansion(piece) for piece in pieces)
    script = f" {script}" if script[:1] in "-+" else script  # or the shell would take it as an option
    if not faults and (said := shells.complaint(shell, script)):
        hint = "mend it; quotes and brackets must be closed, and {{ }} are braces"
        faults.append(errors.Fault(f"{shell} does not accept the command: {said}", where, hint))
    if faults:
        raise errors.PipelineError.of(faults, f"the command of node {label!r} is not well described")
    printed = loose[0] if loose else ""
    return Command(text, shell, script, tuple(pieces), tuple(takes), tuple(makes), printed, tuple(sources), many)


def _variables(
    takes: Mapping[str, str], makes: Mapping[str, str], where: str, faults: list[errors.Fault]
) -> dict[str, str]:
    """The variable for each name that a placeholder may use."""
    known: dict[str, str] = {}
    users: dict[str, str] = {}
    for label, role in [*((label, "INPUT") for label in takes), *((label, "OUTPUT") for label in makes)]:
        name = variable(label, role)
        other = users.setdefault(name, label)
        if other != label:
            hint = 'tell them apart with a dict: inputs={"one": ..., "other": ...}'
            faults.append(errors.Fault(f"{other!r} and {label!r} would both be {name}", where, hint))
        if label in known:
            hint = f'call one of them otherwise: outputs={{"new_{label}": {label!r}}}'
            faults.append(errors.Fault(f"{label!r} is an input and an output", where, hint))
        known[label] = name
    return known


def variable(label: str, role: str) -> str:
    """The environment variable that holds a parameter's value, or the path of an "INPUT" or "OUTPUT" (`role`)."""
    if label == binding.PARAMETERS:
        return "TANE_PARAMETERS"
    if binding.is_parameter(label):
        role, label = "PARAM", binding.parameter_key(label)
    return f"TANE_{role}_{re.sub(r'[^0-9A-Za-z]+', '_', label).strip('_').upper()}"


def _pieces(text: str, known: Mapping[str, str], where: str, faults: list[errors.Fault]) -> list[str | Hole]:
    """The text cut at its placeholders."""
    pieces: list[str | Hole] = [""]
    at = 0
    for match in _HOLE.finditer(text):
        before, at = text[at : match.start()], match.end()
        if match[0] in ("{{", "}}"):
            before += match[0][0]
        pieces[-1] = f"{pieces[-1]}{before}"
        if match[0] in ("{{", "}}"):
            continue
        label = match[1]
        if label is None:
            faults.append(errors.Fault(f"a single {match[0]} in the command", where, _BRACES))
            continue
        label = label if label in known or binding.PARAM + label not in known else binding.PARAM + label
        if label not in known:
            faults.append(_unknown(label, before, known, where))
            continue
        pieces += [Hole(label, known[label], False), ""]
    pieces[-1] = f"{pieces[-1]}{text[at:]}"
    return [piece for piece in pieces if piece]


_BRACES = "write {{ and }} for braces that are meant for the shell or for awk: awk '{{ print $1 }}'"


def _unknown(label: str, before: str, known: Mapping[str, str], where: str) -> errors.Fault:
    """The fault of a placeholder that names neither input nor output."""
    if before.endswith("$"):
        return errors.Fault(
            f"{{{label}}} names no input or output", where, f"write ${{{{{label}}}}} for a variable of the shell"
        )
    near = errors.nearest(label, known)
    if near is not None:
        hint = f"did you mean {{{near}}}?"
    elif re.fullmatch(r"(params:)?[\w.@-]+", label):
        hint = f"add {label!r} to inputs= or outputs=; {{{{ and }}}} are braces"
    else:
        hint = _BRACES
    return errors.Fault(f"{{{label}}} names no input or output", where, hint)


def _quoted(pieces: list[str | Hole], shell: str, where: str, faults: list[errors.Fault]) -> list[str | Hole]:
    """The pieces with what is known of the quotes around each placeholder."""
    masked = "".join(piece if isinstance(piece, str) else shells.MARK for piece in pieces)
    stands = iter(shells.places(masked, shell))
    found: list[str | Hole] = []
    for piece in pieces:
        if not isinstance(piece, str):
            place = next(stands)
            piece = piece._replace(quoted=place.kind == "text")
            if place.kind == "refused":
                faults.append(errors.Fault(f"{{{piece.label}}} {place.why}", where, place.hint))
        found.append(piece)
    return found


def _expansion(hole: Hole) -> str:
    """What stands for a placeholder in the script: a variable, whose value no shell reads as code."""
    return f"${{{hole.variable}}}" if hole.quoted else f'"${{{hole.variable}}}"'


_NAMING = patterns.lazily(r"[\w./+][\w./+-]*")


@functools.lru_cache(maxsize=4096)
def _title(masked: str) -> str:
    """What people call a command by: its program and up to two plain words that follow."""
    commands = shells.simple(masked)
    words = commands[0].words if commands else tuple(masked.split())
    found: list[str] = []
    for word in words[:3]:
        if not _NAMING.fullmatch(word):
            break
        found.append(word if found else os.path.basename(word))
    return " ".join(found)[:40] or "command"
