"""Kedro's side of the comparison: a process in Kedro's own environment that answers questions, a line of JSON each.

Started by `conftest`. A question is [what, arguments]; the answer is {"is": ...} or {"refused": why}. Answers go to the
file descriptor named on the command line, for Kedro itself prints.
"""

import functools
import json
import logging
import os
import sys
import traceback
import warnings

import descriptions
import plain
from kedro.config import OmegaConfigLoader
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.io.catalog_config_resolver import CatalogConfigResolver
from kedro.pipeline import Pipeline, node, pipeline
from kedro.runner import SequentialRunner

SIDE = descriptions.Side(node, pipeline, Pipeline.filter)


def pipeline_told(said):
    """All that a pipeline says of itself."""
    made = SIDE.build(said)
    depends = {one.name: sorted(before.name for before in all_) for one, all_ in made.node_dependencies.items()}
    taken = made.all_inputs()
    return {
        "nodes": [_node_told(one) for one in made.nodes],
        "depends": depends,
        "inputs": sorted(made.inputs()),
        "outputs": sorted(made.outputs()),
        "datasets": sorted(name for name in made.datasets() if not _is_parameter(name)),
        "parameters": sorted(name for name in taken if _is_parameter(name)),
    }


def _node_told(one):
    return {
        "name": one.name,
        "inputs": list(dict.fromkeys(one.inputs)),
        "outputs": one.outputs,
        "tags": sorted(one.tags),
        "namespace": one.namespace or "",
        "confirms": one.confirms,
    }


def _is_parameter(name):
    return name == "parameters" or name.startswith("params:")


def run(said, inputs, params):
    """What a run in memory leaves in the pipeline's outputs."""
    made = SIDE.build(said)
    taken = {name for name in made.all_inputs() if _is_parameter(name)}
    given = {**inputs, **{name: _parameter(params, name) for name in taken}}
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in given.items()})
    done = SequentialRunner().run(made, catalog)
    return {name: dataset.load() for name, dataset in done.items()}


def _parameter(params, name):
    for key in name.removeprefix("params:").split(".") if name != "parameters" else []:
        params = params[key]
    return params


def factories(config, names):
    """What the entries of a catalog make of each name, and in which order its patterns are tried."""
    resolver = CatalogConfigResolver(config, {})
    return [resolver.list_patterns(), [resolver.resolve_pattern(name) for name in names]]


def load(config):
    """What a dataset loads; functions of partitions are called."""
    value = AbstractDataset.from_config("it", config).load()
    if isinstance(value, dict):
        value = {key: one() if callable(one) else one for key, one in value.items()}
    return plain.told(value)


def save(config, value):
    """Let a dataset save what is told."""
    AbstractDataset.from_config("it", config).save(plain.made(value))


def increment(config, confirm):
    """What an incremental dataset gives now; and whether it is confirmed then."""
    dataset = AbstractDataset.from_config("it", config)
    value = dataset.load()
    if confirm:
        dataset.confirm()
    return plain.told(value)


def chunks(count):
    """What a node that yields so many numbers leaves in memory."""
    numbers = node(functools.partial(_numbers, count), None, "x", name="it")
    return SequentialRunner().run(pipeline([numbers]), DataCatalog({}))["x"].load()


def _numbers(count):
    yield from range(count)


def parameters(folder, env):
    """The parameters that Kedro composes of a configuration folder."""
    return OmegaConfigLoader(folder, base_env="base", default_run_env="local", env=env)["parameters"]


QUESTIONS = {
    "pipeline": pipeline_told,
    "run": run,
    "factories": factories,
    "load": load,
    "save": save,
    "increment": increment,
    "chunks": chunks,
    "parameters": parameters,
}


def main():
    """Answer until there are no more questions."""
    answers = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        what, arguments = json.loads(line)
        try:
            answer = {"is": QUESTIONS[what](*arguments)}
        except Exception as error:
            answer = {"refused": f"{type(error).__name__}: {error}", "where": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
