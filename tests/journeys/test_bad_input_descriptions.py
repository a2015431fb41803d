"""Mistakes in what describes the work: graph, configuration, catalog, and the command itself.

Each is told once, with its place and a way on; nothing is recorded or made; and once it is mended, a run succeeds.
"""

import importlib.util

import pytest
from builders import CATALOG, refused

REGISTRY, NODES = "src/shop/pipeline_registry.py", "src/shop/nodes.py"
CONF, PARAMETERS = "conf/base/catalog.yml", "conf/base/parameters.yml"

EDITS = {
    "a dataset nobody has": (
        REGISTRY,
        'node(clean, "orders"',
        'node(clean, "ordres"',
        ("input 'ordres' of clean", "neither in the catalog nor made by any node", "did you mean 'orders'?"),
    ),
    "a cycle": (
        REGISTRY,
        'node(clean, "orders"',
        'node(clean, "model"',
        ("pipeline_registry.py:8", "clean -> fit -> clean", "through cleaned, model", "rename the output"),
    ),
    "two nodes with one output": (
        REGISTRY,
        '"params:model.rate"], "model"',
        '"params:model.rate"], "cleaned"',
        ("pipeline_registry.py:8", "'cleaned' is made by two nodes: 'clean' and 'fit'", "rename one output"),
    ),
    "too many inputs for a function": (
        REGISTRY,
        'node(clean, "orders"',
        'node(clean, ["orders", "model"]',
        ("pipeline_registry.py:9", "node 'clean'", "takes 1 arguments by position, 2 inputs", "it takes (orders)"),
    ),
    "too few inputs for a function": (
        REGISTRY,
        '["cleaned", "params:model.rate"]',
        '["cleaned"]',
        ("pipeline_registry.py:10", "node 'fit'", "fit() also needs rate", "name an input for each"),
    ),
    "an argument the function does not have": (
        REGISTRY,
        '["cleaned", "params:model.rate"]',
        '{"cleaned": "cleaned", "rat": "params:model.rate"}',
        ("node 'fit'", "fit() has no argument 'rat'", "did you mean 'rate'?"),
    ),
    "a parameter nobody has": (
        REGISTRY,
        "params:model.rate",
        "params:model.rat",
        ("node 'fit', argument 'rate'", "no parameter 'model.rat'", "did you mean 'model.rate'", "parameters.yml:3"),
    ),
    "a list where a pipeline should be": (
        REGISTRY,
        '"training": training',
        '"training": [training]',
        ("pipeline_registry.py", "names 'training': a list, not a Pipeline", "wrap the nodes"),
    ),
    "a bracket left open in YAML": (
        PARAMETERS,
        "rate: 0.5",
        "rate: [0.5\nother: 1",
        ("conf/base/parameters.yml:4:6", "not YAML", "a bracket or quote left open"),
    ),
    "a tab in YAML": (
        PARAMETERS,
        "  rate",
        "\trate",
        ("conf/base/parameters.yml:3:1", "indent with spaces, not tabs"),
    ),
    "a key twice in YAML": (
        PARAMETERS,
        "  rate: 0.5",
        "  rate: 0.5\n  rate: 0.6",
        ("conf/base/parameters.yml:4", "'rate' stands twice", "line 3", "keep one"),
    ),
    "a parameter of the wrong type": (
        PARAMETERS,
        "0.5",
        "fast",
        (
            "conf/base/parameters.yml:3",
            "model.rate is 'fast' (text), expected a number",
            "node 'fit'",
            "write a number",
        ),
    ),
    "an unknown key in an entry": (
        CONF,
        "orders.json",
        "orders.json\n  lod_args: {}",
        ("conf/base/catalog.yml:5", "dataset 'orders'", "no key 'lod_args'", "did you mean 'load_args'?"),
    ),
    "a type that is nearly one of ours": (
        CONF,
        "json.JSONDataset\n  filepath: data/06",
        "json.JSONDatset\n  filepath: data/06",
        ("conf/base/catalog.yml:7", "dataset 'model'", "no type 'json.JSONDatset'", "did you mean 'json.JSONDataset'?"),
    ),
    "a type without a meaning": (
        CONF,
        "json.JSONDataset\n  filepath: data/06",
        "Blob\n  filepath: data/06",
        ("conf/base/catalog.yml:7", "no type 'Blob'", "choose one of", "json.JSONDataset", "dotted path"),
    ),
    "a dataset class that is not there": (
        CONF,
        "json.JSONDataset\n  filepath: data/06",
        "shop.stores.Blob\n  filepath: data/06",
        ("conf/base/catalog.yml:6", "dataset 'model'", "no class shop.stores.Blob", "full path"),
    ),
    "credentials nobody has": (
        CONF,
        "filepath: data/06_models/model.json",
        "filepath: s3://bucket/model.json\n  credentials: dev_s3",
        ("conf/base/catalog.yml:9", "no credentials 'dev_s3'", "conf/local/credentials.yml"),
    ),
    "the project's package misspelt": (
        "pyproject.toml",
        'package = "shop"',
        'package = "shp"',
        ("pyproject.toml:6", "no package 'shp'", "did you mean 'shop'?"),
    ),
    "a setting nobody knows": (
        "pyproject.toml",
        "package =",
        "packge =",
        ("pyproject.toml:6", "[tool.tane] has no key 'packge'", "did you mean 'package'?"),
    ),
    "a pyproject.toml that is not TOML": (
        "pyproject.toml",
        '"shop"\n\n[tool',
        "shop\n\n[tool",
        ("pyproject.toml:3", "not TOML", "look at 'name = shop'"),
    ),
}


@pytest.mark.parametrize("mistake", EDITS)
def test_a_mistake_in_a_file_is_told_with_its_place(shop, mistake):
    file, old, new, fragments = EDITS[mistake]
    mend = shop.edit(file, old, new)
    refused(shop.tane("run"), 2, *fragments)
    shop.nothing_happened()
    mend()
    shop.recovers()


ARGUMENTS = {
    "an unknown override": (["model.rat=1"], ("command line model.rat=1", "no parameter 'model.rat'", "'model.rate'")),
    "an override of another type": (
        ["model.rate=fast"],
        ("command line model.rate=fast", "conf/base/parameters.yml:3", "is text", "++model.rate="),
    ),
    "an override without a name": (["=3"], ("names no parameter", "model.lr=0.1")),
    "an unknown pipeline": (["trainin"], ("no pipeline 'trainin'", "did you mean 'training'?")),
    "an unknown pipeline like no other": (
        ["xyz"],
        ("no pipeline 'xyz'", "there are: training, reporting, __default__"),
    ),
    "an unknown node": (["--only", "ft"], ("no node 'ft'", "did you mean 'fit'?")),
    "an unknown node to force": (["--force-node", "ft"], ("no node 'ft' to force", "did you mean 'fit'?")),
    "an unknown tag": (["--tags", "prepar"], ("no tag 'prepar'", "did you mean 'prepare'?")),
    "an unknown first dataset": (["--from-inputs", "ordrs"], ("no input 'ordrs'", "did you mean 'orders'?")),
    "an unknown last dataset": (["--to-outputs", "x"], ("no output 'x'", "there are: cleaned, model, report")),
    "selections without a node in common": (["--only", "fit", "--tags", "prepare"], ("nothing", "take one away")),
    "two pipelines": (["training", "reporting"], ("one pipeline at a time", "key=value")),
    "no process": (["-j", "0"], ("-j 0", "give 1 or more")),
    "fewer processes than none": (["-j", "-3"], ("-j -3", "give 1 or more")),
    "processes that are no number": (["-j", "many"], ("'many' is not a valid integer", "tane run --help")),
    "an unknown environment": (["-e", "prdo"], ("no environment 'prdo'", "there are: prod", "did you mean 'prod'?")),
    "an unknown option": (["--frce"], ("--frce", "--force", "tane run --help")),
    "an unknown run to resume": (["--resume", "2020"], ("no run", "2020")),
    "a flow file that is not there": (["flw.py"], ("no 'flw.py'", "did you mean 'flow.py'?")),
    "a flow file in a folder that is not there": (["flows/a.py"], ("no 'flows/a.py'", "there is no folder")),
}


@pytest.mark.parametrize("mistake", ARGUMENTS)
def test_a_mistake_on_the_command_line_is_told_and_nothing_happens(shop, mistake):
    shop.write("conf/prod/parameters.yml", "model: {rate: 0.7}\n")
    shop.write("flow.py", "")
    arguments, fragments = ARGUMENTS[mistake]
    refused(shop.tane("run", *arguments), 2, *fragments)
    shop.nothing_happened()
    shop.recovers()


def test_the_plan_is_refused_like_the_run(shop):
    shop.edit(REGISTRY, 'node(clean, "orders"', 'node(clean, "ordres"')
    refused(shop.tane("plan"), 2, "input 'ordres' of clean", "did you mean 'orders'?")


def test_all_mistakes_of_a_catalog_are_told_at_once(shop):
    shop.write(CONF, CATALOG.replace("data/06_models/model.json", "").replace("report:\n  type", "report:\n  typ"))
    refused(shop.tane("run"), 2, "catalog.yml:8", "no filepath", "catalog.yml:10", "has no type")


def test_a_misspelt_conf_file_is_found(shop):
    stray = shop.write("conf/base/paramters.yml", "a: 1\n")
    refused(
        shop.tane("run"), 2, "conf/base/paramters.yml", "no file that configuration is read from", "'parameters.yml'?"
    )
    shop.nothing_happened()
    stray.unlink()
    shop.recovers()


def test_a_conf_file_in_another_encoding_is_named_with_its_line(shop):
    (shop.root / PARAMETERS).write_bytes(b"model:\n  rate: 0.5 # gr\xf6sser\n")
    refused(shop.tane("run"), 2, "conf/base/parameters.yml:2", "not UTF-8", "save it as UTF-8")
    shop.nothing_happened()


def test_a_type_of_ours_without_its_package_names_the_extra(shop, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *at: None if name == "polars" else there(name, *at))
    mend = shop.edit(CONF, "json.JSONDataset\n  filepath: data/06", "polars.CSVDataset\n  filepath: data/06")
    refused(shop.tane("run"), 2, "catalog.yml:6", "dataset 'model'", "'polars'", "pip install 'tane[polars]'")
    shop.nothing_happened()
    mend()
    shop.recovers()


def test_an_unknown_command_offers_the_nearest(shop):
    refused(shop.tane("rnu"), 2, "no command 'rnu'", "did you mean 'run'?")
    refused(shop.tane("frobnicate"), 2, "no command 'frobnicate'", "tane --help")


def test_without_a_command_the_help_is_shown(shop):
    ended = shop.tane()
    assert (ended.code, ended.err) == (2, "")
    assert "tane new my_project" in ended.out


def test_without_a_project_the_way_to_one_is_shown(shop, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    refused(shop.tane("run"), 2, "no Tane project in", "elsewhere", "tane new NAME", "tane run flow.py")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("def f():\n    return 1\n", ("flow.py", "makes no pipeline", "pipeline = Pipeline([")),
        ("pipeline = []\n", ("flow.py", "`pipeline` is a list, not a Pipeline", "wrap the nodes")),
        ("from tane import Pipeline\npipeline = Pipeline([3])\n", ("flow.py:2", "3 is not a node", "node(...)")),
        (
            "from tane import Pipeline\ndef f(x): return x\npipeline = Pipeline([f])\n",
            ("input 'x' of f", "neither in the catalog", "add 'x' to the catalog"),
        ),
    ],
    ids=["none", "a list", "no node", "an input nobody makes"],
)
def test_a_flow_file_without_a_good_pipeline_is_refused(shop, text, fragments):
    shop.write("flow.py", text)
    refused(shop.tane("run", "flow.py"), 2, *fragments)
    shop.nothing_happened()
    shop.write("flow.py", "from tane import Pipeline\ndef one(): return 1\npipeline = Pipeline([one])\n")
    assert shop.tane("run", "flow.py").code == 0


def test_a_variable_of_the_environment_that_names_no_parameter_is_told(shop, monkeypatch):
    monkeypatch.setenv("TANE_PARAM__model__rat", "1")
    refused(shop.tane("run"), 2, "TANE_PARAM__model__rat", "no parameter 'model.rat'", "did you mean 'model.rate'?")
    shop.nothing_happened()
    monkeypatch.delenv("TANE_PARAM__model__rat")
    shop.recovers()
