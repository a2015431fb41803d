"""One pipeline used twice: its nodes under a namespace, what they take and make under new names.

As in Kedro: with a namespace every node, dataset and parameter gets it in front of its name, but those that `inputs`,
`outputs` and `parameters` name: these are mapped, or kept as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from tane import errors, fielded
from tane.pipeline import binding, nodes
from tane.pipeline.binding import PARAM, PARAMETERS, base_name, is_parameter

Mapped = str | Iterable[str] | Mapping[str, str] | None


def in_full(name: str, names: Collection[str]) -> str:
    """The one of `names` that is meant by `name`: itself, or the only one that is so called in its namespace."""
    if name in names:
        return name
    ending = f".{name}"
    found = [other for other in names if other.endswith(ending)]
    return found[0] if len(found) == 1 else name


def applied(
    found: Sequence[nodes.Node], namespace: str, inputs: Mapped, outputs: Mapped, parameters: Mapped
) -> list[nodes.Node]:
    """The nodes `found` (a whole pipeline) renamed.

    Raises `errors.PipelineError` for names that are not there, or that no dataset or parameter can have.
    """
    if namespace:
        binding.check_namespace(namespace)
    made = _and_bases(name for node in found for name in node.outputs)
    taken = _and_bases(name for node in found for name in node.needs if not is_parameter(name))
    taken_parameters = {name for node in found for name in node.needs if is_parameter(name)}
    faults: list[errors.Fault] = []
    free = {name for name in taken if base_name(name) not in made}
    names = _mapping(inputs, "inputs", free, faults, others=made) | _mapping(
        outputs, "outputs", made, faults, others=free
    )
    params = {
        _parameter(old): _parameter(new)
        for old, new in _mapping(parameters, "parameters", taken_parameters, faults, _parameter).items()
    }
    if faults:
        raise errors.PipelineError.of(
            faults, "the pipeline cannot be mapped" + (f" into {namespace!r}" * bool(namespace))
        )

    def dataset(name: str) -> str:
        if name in names:
            return names[name]
        base, at, form = name.partition("@")
        new = names.get(base) or (f"{namespace}.{base}" if namespace else base)
        return f"{new}{at}{form}"

    def renamed(name: str) -> str:
        if not is_parameter(name):
            return dataset(name)
        if name in params or name == PARAMETERS or not namespace:
            return params.get(name, name)
        above = _mapped_above(name, params)
        return above or f"{PARAM}{namespace}.{name[len(PARAM) :]}"

    inside = {node.name for node in found}
    again = [_renamed(node, renamed, namespace, inside) for node in found]
    twice = [node for node in again if len(set(map(base_name, node.outputs))) < len(node.outputs)]
    if twice:
        faults = [
            errors.Fault(f"two outputs of node {node.name!r} get one name: {', '.join(node.outputs)}", hint=_APART)
            for node in twice
        ]
        raise errors.PipelineError.of(faults, "the pipeline cannot be mapped")
    return again


_APART = "give each output a name of its own"


def _renamed(node: nodes.Node, renamed: Callable[[str], str], namespace: str, inside: set[str]) -> nodes.Node:
    def each(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(renamed, names))

    again = fielded.replace(
        node,
        positional=each(node.positional),
        by_name=tuple((argument, renamed(name)) for argument, name in node.by_name),
        inputs=tuple(dict.fromkeys(each(node.inputs))),
        outputs=each(node.outputs),
        optional=frozenset(map(renamed, node.optional)),
        bare=False,
        named=True,
        when=node.when.renamed(renamed) if node.when is not None else None,
        over=each(node.over),
        confirms=each(node.confirms),
        after=tuple(f"{namespace}.{name}" if namespace and name in inside else name for name in node.after),
    )
    return nodes.in_namespace(again, namespace) if namespace else again


def _mapping(
    given: Mapped,
    role: str,
    known: set[str],
    faults: list[errors.Fault],
    plain: Callable[[str], str] = str,
    others: Collection[str] = (),
) -> dict[str, str]:
    """What `given` says in the `role` of "inputs" and the like; names alone are kept as they are.

    `others` are names that play the other role.
    """
    if given is None:
        return {}
    if isinstance(given, str):
        given = (given,)
    found = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
    for old, new in found.items():
        if old in others and old not in known:
            made, instead = ("made in the pipeline", "outputs") if role == "inputs" else ("only taken", "inputs")
            what = f"{role}={old!r}: {old!r} is {made}, so it is none of its {role}"
            faults.append(errors.Fault(what, hint=f"name it in {instead}="))
        elif plain(old) not in known:
            hint = errors.did_you_mean(old, known, f"it has: {', '.join(sorted(known)) or 'none'}")
            faults.append(errors.Fault(f"{role}={old!r} names nothing that the pipeline has", hint=hint))
        if role != "parameters":
            binding.check_name(new, f"{role} of the pipeline", "input" if role == "inputs" else "output", faults)
    return found


def _and_bases(names: Iterable[str]) -> set[str]:
    """The datasets by the names they are called, and those of all their forms by the plain name."""
    found = set(names)
    return found | {base_name(name) for name in found}


def _parameter(name: str) -> str:
    """A parameter as inputs name it, whether or not the prefix was written."""
    return name if is_parameter(name) else PARAM + name


def _mapped_above(name: str, params: Mapping[str, str]) -> str:
    """The new name of a parameter below a mapped one: "params:model.lr" where "params:model" is mapped."""
    head, dot, _ = name.rpartition(".")
    while dot:
        if head in params:
            return f"{params[head]}.{name[len(head) + 1 :]}"
        head, dot, _ = head.rpartition(".")
    return ""
