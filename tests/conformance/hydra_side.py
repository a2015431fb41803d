"""Hydra's side of the comparison: a process in Hydra's own environment that answers questions, a line of JSON each.

Started by `conftest`. A question is [what, arguments]; the answer is {"is": ...} or {"refused": why}. Answers go to the
file descriptor named on the command line, for Hydra itself prints.
"""

import json
import logging
import math
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, RangeSweep
from omegaconf import OmegaConf


def told(value):
    """A value in JSON that keeps the types of keys, and NaN."""
    if isinstance(value, dict):
        return {"mapping": [[told(key), told(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [told(item) for item in value]}
    if isinstance(value, float):
        return {"float": "nan" if math.isnan(value) else repr(value)}
    if isinstance(value, ChoiceSweep):
        items = [told(Override._convert_value(item)) for item in value.list]
        return {"choice": items, "tags": sorted(value.tags), "shuffle": value.shuffle}
    if isinstance(value, RangeSweep):
        ends = [told(value.start), told(value.stop), told(value.step)]
        return {"range": ends, "tags": sorted(value.tags), "shuffle": value.shuffle}
    if isinstance(value, IntervalSweep):
        return {"interval": [told(value.start), told(value.end)], "tags": sorted(value.tags)}
    if isinstance(value, Glob):
        return {"glob": [value.include, value.exclude]}
    assert value is None or isinstance(value, bool | int | str), value
    return value


SIGNS = {"CHANGE": "", "ADD": "+", "FORCE_ADD": "++", "DEL": "~"}


def override(text):
    """What an override says."""
    (said,) = OverridesParser.create().parse_overrides([text])
    return _override_told(said)


def _override_told(said):
    return {
        "sign": SIGNS[said.type.name],
        "key": said.key_or_group,
        "package": said.package,
        "value": told(said.value()),
        "bare": said.value_type is None,
    }


class Groups:
    """As much of a configuration as a glob asks for."""

    def __init__(self, groups):
        self.groups = groups

    def get_group_options(self, group, results_filter=None):
        """The options of a group."""
        return sorted(self.groups[group])


def sweep(overrides, groups):
    """The jobs of a sweep: of each its overrides, as they are then read."""
    parser = OverridesParser.create(config_loader=Groups(groups))
    (jobs,) = BasicSweeper.split_arguments(parser.parse_overrides(overrides), None)
    return [[_override_told(one) for one in parser.parse_overrides(job)] for job in jobs]


def compose(files, overrides, config="config", resolve=True):
    """The configuration that files (path -> text) and overrides make."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with initialize_config_dir(folder, version_base="1.3"):
            made = hydra_compose(config, overrides)
            return told(OmegaConf.to_container(made, resolve=resolve))


def resolve(tree, environ):
    """A configuration with its interpolations resolved; `tree` is YAML."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        return told(OmegaConf.to_container(OmegaConf.create(tree), resolve=True))
    finally:
        os.environ.clear()
        os.environ.update(before)


QUESTIONS = {"override": override, "sweep": sweep, "compose": compose, "resolve": resolve}


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
