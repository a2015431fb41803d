"""Descriptions of pipelines, drawn by hypothesis: mostly such as hold together, sometimes such as do not."""

import tane_side
from hypothesis import strategies as st

DATASETS = ("a", "b", "c", "d", "e", "t@x", "t@y", "u@x", "u@z")
PARAMETERS = ("params:p", "params:q.r", "params:q.s", "parameters")
TAGS = ("red", "blue", "slow-one")
NAMESPACES = ("ns", "outer.inner", "area-1")
NEW_NAMES = ("x", "y", "z")


def some(options, least=0, most=3):
    """Some of the options, each once."""
    options = sorted(set(options))
    return st.lists(st.sampled_from(options), min_size=least, max_size=most, unique=True) if options else st.just([])


def rarely(value, otherwise):
    """`value` in one of ten cases."""
    return st.integers(0, 9).flatmap(lambda n: value if n == 9 else otherwise)


def listed(names):
    """Inputs or outputs of any form as a list."""
    if names is None or isinstance(names, str):
        return [] if names is None else [names]
    return list(names.values()) if isinstance(names, dict) else list(names)


def base(name):
    """The dataset, whatever its form."""
    return name.partition("@")[0]


@st.composite
def inputs_of(draw, known):
    """The inputs of a node among the names `known`, and how many arguments its function has."""
    names = draw(some(known, most=3))
    if not names:
        return None, 0
    if len(names) == 1 and draw(st.booleans()):
        return names[0], draw(st.sampled_from([1, 1.5, 9]))
    if len(names) == 2 and draw(rarely(st.just(True), st.just(False))):
        names = [names[0], names[0]]
    if draw(st.booleans()):
        arguments = draw(st.permutations("abc"[: len(names)]))
        return dict(zip(arguments, names, strict=True)), len(names)
    return names, draw(st.sampled_from([len(names), 9]))


@st.composite
def outputs_of(draw, free):
    """The outputs of a node among the names `free`, and what its function returns."""
    names = list({base(name): name for name in draw(some(free, most=2))}.values())
    if not names:
        return None, None
    if len(names) == 1 and draw(st.booleans()):
        return names[0], "one"
    if draw(st.booleans()):
        keys = [f"key_{n}" for n in range(len(names))]
        return dict(zip(keys, names, strict=True)), keys
    return names, len(names)


@st.composite
def node_lists(draw, prefix="n", wild=False, datasets=DATASETS, parameters=PARAMETERS):
    """Nodes. Unless `wild`, no dataset is made twice, there are no circles and all arguments fit."""
    found = []
    taken, made = set(), set()
    for number in range(draw(st.integers(1, 6))):
        inputs, arguments = draw(inputs_of((*datasets, *parameters)))
        here = {base(name) for name in listed(inputs)}
        free = datasets if wild else [name for name in datasets if base(name) not in here | taken | made]
        outputs, returns = draw(outputs_of(free))
        if inputs is None and outputs is None:
            continue  # Kedro knows no such nodes
        taken |= here
        made |= {base(name) for name in listed(outputs)}
        if wild:
            arguments = draw(rarely(st.sampled_from([0, 1, 2, 3]), st.just(arguments)))
        found.append(
            {
                "name": f"{prefix}{draw(rarely(st.integers(0, 5), st.just(number))) if wild else number}",
                "inputs": inputs,
                "outputs": outputs,
                "call": [arguments, returns],
                "tags": draw(some(TAGS, most=2)),
                "namespace": draw(st.sampled_from(["", "", "", *NAMESPACES])),
                "confirms": draw(rarely(some(["a", "b"], least=1, most=1), st.just([]))),
            }
        )
    return ["nodes", draw(st.permutations(found))]


@st.composite
def mapped(draw, names, wrong=("nosuch",)):
    """What the names are to be called: one that stays, several that do, or new names."""
    chosen = draw(some(names, least=1, most=3)) or ["nosuch"]
    chosen = draw(rarely(st.just([*chosen, *wrong]), st.just(chosen)))
    form = draw(st.sampled_from(["one", "several", "new"]))
    if form == "one":
        return chosen[0]
    if form == "several":
        return chosen
    new = draw(st.lists(st.sampled_from(NEW_NAMES), min_size=len(chosen), max_size=len(chosen)))
    return {old: _like(old, one) for old, one in zip(chosen, new, strict=True)}


def _like(old, new):
    """The new name in the form of the old one."""
    prefix = "params:" if old.startswith("params:") else ""
    return old if old == "parameters" else f"{prefix}{new}{''.join(old.partition('@')[1:])}"


@st.composite
def wraps(draw, said, made):
    """The pipeline under a namespace, or other names."""
    free = set(made.free_inputs())
    outputs = {name for one in made.nodes for name in one.outputs}
    parameters = made.parameters()
    short = [name.removeprefix("params:") for name in parameters]
    options = {"namespace": draw(st.sampled_from([None, *NAMESPACES]))}
    if free and draw(st.booleans()):
        options["inputs"] = draw(mapped(free | set(map(base, free)), wrong=sorted(outputs | parameters)[:1]))
    if outputs and draw(st.booleans()):
        options["outputs"] = draw(mapped(outputs | set(map(base, outputs)), wrong=sorted(free)[:1]))
    if parameters and draw(st.booleans()):
        options["parameters"] = draw(mapped([*parameters, *short]))
    if draw(st.booleans()):
        options["tags"] = draw(some(TAGS, least=1))
    more = draw(rarely(node_lists("m", datasets=("k", "l", "m", "a")), st.none()))
    return ["wrap", [said, more] if more else [said], options]


@st.composite
def filters(draw, said, made):
    """A part of the pipeline."""
    taken = {name for one in made.nodes for name in one.inputs}
    outputs = {name for one in made.nodes for name in one.outputs}
    spaces = {one.namespace for one in made.nodes if one.namespace}  # Kedro takes no two of which one is in the other
    options = {
        "from_nodes": made.by_name,
        "to_nodes": made.by_name,
        "node_names": made.by_name,
        "from_inputs": taken | set(map(base, taken)),
        "to_outputs": outputs | set(map(base, outputs)),
        "tags": {tag for one in made.nodes for tag in one.tags},
        "node_namespaces": draw(st.sampled_from([{one.partition(".")[0] for one in spaces}, set(sorted(spaces)[:1])])),
    }
    criteria = {}
    for key in draw(some(options, least=1, most=2)):
        names = draw(rarely(st.just(["nosuch"]), some(options[key], least=1)))
        if names:
            criteria[key] = names
    return ["filter", said, criteria]


@st.composite
def sums(draw, said, made):
    """The pipeline with, or without, a part of itself or another one."""
    part = st.one_of(filters(said, made), st.just(said), node_lists("m", datasets=("k", "l", "m", "a")))
    other = draw(part)
    pair = draw(st.sampled_from([[said, other], [other, said]]))
    if draw(rarely(st.just(True), st.just(False))):
        return ["sum", pair]
    return [draw(st.sampled_from("+-&|")), *pair]


@st.composite
def tagged(draw, said, made):
    """The pipeline with more tags, or what is left of it when what is tagged is taken away."""
    more = ["tag", said, draw(st.sampled_from(["one", ["two", "red"]]))]
    return draw(st.sampled_from([more, ["-", said, more]]))  # whose tags Kedro keeps in & and + is chance


@st.composite
def descriptions(draw, wild=False, datasets=DATASETS):
    """Nodes, and up to three things done to them."""
    said = draw(node_lists(wild=wild, datasets=datasets))
    for step in draw(st.lists(st.sampled_from([wraps, wraps, filters, filters, sums, tagged]), max_size=3)):
        made = tane_side.build(said)
        if made is None or not len(made):
            break
        said = draw(step(said, made))
    return said
