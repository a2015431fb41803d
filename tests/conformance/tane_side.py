"""Our side of the comparison: the same questions that `kedro_side` answers."""

import descriptions

import tane
from tane import errors
from tane.pipeline import nodes


def part(pipeline, *, node_names=(), node_namespaces=(), **criteria):
    """What `filter` gives, by its names in Kedro. There a selection of nothing is refused; here it has no nodes."""
    chosen = pipeline.filter(nodes=node_names, namespaces=node_namespaces, **criteria)
    if not len(chosen):
        raise errors.PipelineError("nothing is left", hint="")
    return chosen


SIDE = descriptions.Side(tane.node, tane.Pipeline, part)


def build(said):
    """The pipeline that `said` describes, or None where it is refused."""
    try:
        return SIDE.build(said)
    except errors.TaneError:
        return None


def pipeline_told(said):
    """All that a pipeline says of itself; None where it is refused."""
    made = build(said)
    if made is None:
        return None
    return {
        "nodes": [_node_told(one) for one in made.nodes],
        "depends": {one.name: sorted(before.name for before in made.depends(one)) for one in made.nodes},
        "inputs": sorted(made.inputs()),
        "outputs": sorted(made.outputs()),
        "datasets": sorted(made.datasets()),
        "parameters": sorted(made.parameters()),
    }


def _node_told(one):
    argument = {name: at for at, name in enumerate("abc")}
    by_name = sorted(one.by_name, key=lambda pair: argument[pair[0]])  # Kedro lists them in the order of the arguments
    return {
        "name": one.name,
        "inputs": list(dict.fromkeys((*one.positional, *(name for _, name in by_name)))),
        "outputs": list(one.outputs),
        "tags": sorted(one.tags),
        "namespace": one.namespace,
        "confirms": list(one.confirms),
    }


def run(said, inputs, params):
    """What a run in memory leaves in the pipeline's outputs."""
    made = SIDE.build(said)
    done = tane.run(made, inputs=inputs, params=params)
    return {name: done[name] for name in made.outputs()}


def is_parameter(name):
    """Whether an input is a parameter."""
    return nodes.is_parameter(name)
