"""Binding names of datasets and parameters to a callable's arguments and to what it returns. Called by `nodes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tane import errors, fielded, patterns
from tane.pipeline import callables, options

Names = str | Sequence[str] | Mapping[str, str] | None
Returns = Literal["nothing", "one", "many", "keys"]

PARAMETERS = "parameters"
PARAM = "params:"


def is_parameter(name: str) -> bool:
    """Whether an input's name stands for parameters rather than a dataset."""
    return name == PARAMETERS or name.startswith(PARAM)


def parameter_key(name: str) -> str:
    """The dotted key behind "params:a.b"; empty for "parameters", which is all of them."""
    return name[len(PARAM) :] if name.startswith(PARAM) else ""


def base_name(name: str) -> str:
    """The dataset behind a transcoded name: "cars" for "cars@pandas" as for "cars@polars"."""
    return name.partition("@")[0] if "@" in name else name


class Bindings(NamedTuple):
    """What goes to which argument, and what comes back as what; see `nodes.Node` for the fields."""

    positional: tuple[str, ...]
    by_name: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    returns: Returns
    keys: tuple[str, ...]
    optional: frozenset[str]


_NONE: frozenset[str] = frozenset()


def bind(func: Callable[..., Any], inputs: Names, outputs: Names, label: str) -> Bindings:
    """Bind `inputs` and `outputs` of the node `label`. Raises `errors.PipelineError` with all that does not fit."""
    faults: list[errors.Fault] = []
    positional, by_name = _inputs(inputs, label, faults)
    made, keys, returns = _outputs(outputs, label, faults)
    optional = _NONE
    if not faults:
        takes = callables.signature(func)
        if takes is not None:
            _check_fit(func, takes, positional, by_name, label, faults)
            if takes.defaulted:
                pairs = (*zip(takes.positional, positional, strict=False), *by_name)
                spared = takes.defaulted.difference(_only_by_position(func, takes, len(positional)))
                required = {name for argument, name in pairs if argument not in spared}
                optional = frozenset(name for _, name in pairs if not is_parameter(name)) - required
    if faults:
        raise errors.PipelineError.of(faults, f"node {label!r} is not well described")
    taken = positional + tuple(dataset for _, dataset in by_name)
    if len(set(taken)) != len(taken):
        taken = tuple(dict.fromkeys(taken))
    return Bindings(positional, by_name, taken, made, returns, keys, optional)


def _only_by_position(func: Callable[..., Any], takes: callables.Signature, given: int) -> tuple[str, ...]:
    """Arguments that cannot be left to their default while those behind them are given: these would have no name."""
    if given > len(takes.positional):
        return takes.positional
    return takes.positional[: callables.nameless(func)]


def _inputs(
    inputs: Names, label: str, faults: list[errors.Fault]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    if inputs is None or not options.bound(inputs, "inputs", label, faults):
        return (), ()
    if isinstance(inputs, str):
        inputs = (inputs,)
    if isinstance(inputs, Mapping):
        for dataset in inputs.values():
            check_name(dataset, label, "input", faults)
        return (), tuple(inputs.items())
    inputs = tuple(inputs)
    for dataset in inputs:
        check_name(dataset, label, "input", faults)
    return inputs, ()


def _outputs(
    outputs: Names, label: str, faults: list[errors.Fault]
) -> tuple[tuple[str, ...], tuple[str, ...], Returns]:
    made: tuple[str, ...]
    keys: tuple[str, ...] = ()
    returns: Returns
    if outputs is None or not options.bound(outputs, "outputs", label, faults):
        return (), (), "nothing"
    if isinstance(outputs, str):
        made, returns = (outputs,), "one"
    elif isinstance(outputs, Mapping):
        made, keys, returns = tuple(outputs.values()), tuple(outputs), "keys"
    else:
        made, returns = tuple(outputs), "many"
    for dataset in made:
        check_name(dataset, label, "output", faults)
    bases = [base_name(name) for name in made if isinstance(name, str)] if len(made) > 1 else []
    if len(set(bases)) != len(bases):
        twice = sorted({name for name in bases if bases.count(name) > 1})
        faults.append(errors.Fault(f"output {', '.join(twice)} is named twice", f"node {label!r}", "name each once"))
    return made, keys, returns


_PLAIN = patterns.lazily(r"[^\s:@/\\]+(@[\w-]+)?")


def check_name(dataset: object, label: str, role: str, faults: list[errors.Fault]) -> None:
    """Note a fault unless `dataset` may stand for an input or output (`role`) of the node `label`."""
    if isinstance(dataset, str):
        if _PLAIN.fullmatch(dataset):
            if role == "output" and dataset == PARAMETERS:
                faults.append(
                    errors.Fault("'parameters' cannot be an output", f"node {label!r}", "choose another name")
                )
            return
        if role == "input" and dataset.startswith(PARAM) and len(dataset) > len(PARAM):
            return
    hint = "a dataset's name has no spaces, slashes or colons; a parameter is 'params:a.b' and only an input"
    faults.append(errors.Fault(f"{dataset!r} is not a name for an {role}", f"node {label!r}", hint))


def check_among(names: Sequence[str], known: Sequence[str], option: str, label: str) -> list[errors.Fault]:
    """Faults for `names` given as `option` of the node `label` that are not among its inputs `known`."""
    return [
        errors.Fault(
            f"{option}={name!r} is no input of it",
            f"node {label!r}",
            errors.did_you_mean(name, known, f"its inputs are: {', '.join(known) or 'none'}"),
        )
        for name in names
        if name not in known
    ]


_NAMESPACE = patterns.lazily(r"\w[\w-]*(\.\w[\w-]*)*")


def check_namespace(namespace: str, where: str = "") -> None:
    """Raise `errors.PipelineError` unless it is a name, or names joined by dots; `where` names the node."""
    if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
        raise errors.PipelineError(
            f"{namespace!r} is no namespace",
            where=where,
            hint="use names of letters, digits, _ and -, joined by dots: area_a",
        )


def _check_fit(
    func: Callable[..., Any],
    takes: callables.Signature,
    positional: tuple[str, ...],
    by_name: tuple[tuple[str, str], ...],
    label: str,
    faults: list[errors.Fault],
) -> None:
    where, called = f"node {label!r}", callables.call_name(func)
    accepted = takes.positional
    if len(positional) > len(accepted) and not takes.many_positional:
        faults.append(
            errors.Fault(
                f"{called}() takes {len(accepted)} arguments by position, {len(positional)} inputs are given",
                where,
                f"it takes ({', '.join(accepted)}); give as many inputs, or a dict from argument to name",
            )
        )
    given = set(accepted[: len(positional)])
    if by_name:
        known = accepted + takes.keyword
        for argument, _ in by_name:
            if argument not in known and not takes.many_named:
                hint = errors.did_you_mean(argument, known, f"it takes ({', '.join(known)})")
                faults.append(errors.Fault(f"{called}() has no argument {argument!r}", where, hint))
            given.add(argument)
    missing = [a for a in accepted + takes.keyword if a not in given and a not in takes.defaulted]
    if missing:
        faults.append(
            errors.Fault(
                f"{called}() also needs {', '.join(missing)}", where, "name an input for each of its arguments"
            )
        )


@fielded.frozen
class Configured:
    """A class whose fields are set from parameters; what that makes is called with the step's inputs."""

    kind: type

    @property
    def __name__(self) -> str:
        return self.kind.__name__

    @property
    def __signature__(self) -> Any:
        """The arguments of the instance's call, and the settings by name."""
        import inspect

        arguments = list(inspect.signature(self.kind.__call__).parameters.values())[1:]
        settings = inspect.Parameter(SETTINGS, inspect.Parameter.KEYWORD_ONLY, annotation=self.kind)
        at = next((n for n, p in enumerate(arguments) if p.kind is p.VAR_KEYWORD), len(arguments))
        return inspect.Signature([*arguments[:at], settings, *arguments[at:]])

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Make the instance, unless the parameters were already turned into one, and call it."""
        settings = named.pop(SETTINGS)
        step: Any = settings if isinstance(settings, self.kind) else self.kind(**settings)
        return step(*args, **named)


SETTINGS = "settings"


def configured(func: Any, inputs: Names, settings: str, label: str) -> tuple[Configured, Names]:
    """The class `func` as a callable that takes its fields from the parameter `settings`, with its inputs by name."""
    if not isinstance(func, type) or "__call__" not in dir(func):
        raise errors.PipelineError(
            f"settings= makes an instance of a class, and {callables.call_name(func)} is none that can be called",
            where=f"node {label!r}",
            hint="give a class (a dataclass, say) with __call__",
        )
    if not isinstance(settings, str) or not is_parameter(settings):
        raise errors.PipelineError(
            f"settings={settings!r} is no parameter",
            where=f"node {label!r}",
            hint=f'write settings="params:{settings}"',
        )
    made = Configured(func)
    if isinstance(inputs, Mapping):
        return made, {**inputs, SETTINGS: settings}
    if not options.bound(inputs, "inputs", label, []):
        return made, inputs  # `bind` says so
    listed = () if inputs is None else (inputs,) if isinstance(inputs, str) else tuple(inputs)
    takes = callables.signature(made)
    names = takes.positional if takes is not None else ()
    if len(listed) > len(names):
        raise errors.PipelineError(
            f"{func.__name__}.__call__() takes {len(names)} inputs, {len(listed)} are given",
            where=f"node {label!r}",
            hint=f"it takes ({', '.join(names)})",
        )
    return made, {**dict(zip(names, listed, strict=False)), SETTINGS: settings}
