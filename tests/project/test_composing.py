from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

import tane
from tane import errors

SURVEY = {
    "conf/config.yaml": "defaults:\n  - model: elastic_net\n",
    "conf/model/elastic_net.yaml": "alpha: 0.0005\nl1_ratio: 0.9\nrandom_state: 3\n",
    "conf/model/catboost.yaml": "iterations: 1000\n",
}
PROJECT = {
    "pyproject.toml": """
[tool.tane]
package = "shop"
targets = ["fractions.*"]
resolvers = { loud = "shop.words:loud" }
""",
    "src/shop/__init__.py": "",
    "src/shop/pipeline_registry.py": "raise SystemExit('imported')",
    "src/shop/words.py": "def loud(text):\n    return text.upper()\n",
    "conf/base/parameters.yml": "town: ${loud:bonn}\nshare: {_target_: fractions.Fraction, numerator: 1}\n",
    "conf/prod/parameters.yml": "lr: 0.2\n",
}


@pytest.mark.parametrize("place", ["conf", "conf/config.yaml", "."])
def test_a_folder_like_hydras_composes_from_wherever_it_is_named(write, place):
    path = write(SURVEY) / place
    assert tane.compose(path).model.alpha == 0.0005
    cfg = tane.compose(path, ["model.l1_ratio=0.01"])
    assert cfg == {"model": {"alpha": 0.0005, "l1_ratio": 0.01, "random_state": 3}}
    assert tane.compose(path, overrides=["model=catboost"]) == {"model": {"iterations": 1000}}


def test_a_file_of_any_name_composes(write):
    root = write({**SURVEY, "conf/other.yml": "defaults: [{model: catboost}]\n"})
    assert tane.compose(root / "conf/other.yml").model.iterations == 1000


def test_a_folder_of_layers_composes(write):
    root = write({"conf/base/parameters.yml": "a: 1\n", "conf/prod/parameters.yml": "a: 2\n"})
    assert (tane.compose(root / "conf").a, tane.compose(root / "conf", env="prod").a) == (1, 2)


def test_a_project_composes_without_its_code_but_with_its_resolvers(write):
    root = write(PROJECT)
    cfg = tane.compose(root, ["lr=1"], env=["prod"])
    assert (cfg.town, cfg.lr) == ("BONN", 1)


def test_what_it_describes_may_be_made_as_the_project_allows(write):
    import fractions

    cfg = tane.compose(write(PROJECT), ["+other={_target_: os.getcwd}"])
    assert tane.instantiate(cfg.share, denominator=2) == fractions.Fraction(1, 2)
    with pytest.raises(errors.ConfigError, match=r"'os.getcwd' is not allowed here"):
        tane.instantiate(cfg.other)


def test_a_plain_mapping_may_name_what_the_project_of_the_caller_allows(write):
    write(PROJECT)
    (write({}) / "script.py").write_text(
        textwrap.dedent("""
        import tane
        print(tane.instantiate({"_target_": "fractions.Fraction", "numerator": 3}))
        """)
    )
    done = subprocess.run(
        [sys.executable, str(write({}) / "script.py")],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.stdout == "3\n", done.stderr


def test_a_file_of_parameters_and_resolvers_of_the_caller(write):
    root = write({**SURVEY, "other.yml": "b: ${twice:ab}\n"})
    assert (
        tane.compose(root / "conf", params=root / "other.yml", resolvers={"twice": lambda text: text * 2}).b == "abab"
    )


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere", "there is no"),
        ("conf/confg.yaml", "did you mean 'config.yaml'"),
        ("empty", "there is no configuration in"),
    ],
)
def test_where_there_is_nothing_to_compose(write, path, why):
    root = write(SURVEY)
    (root / "empty").mkdir()
    with pytest.raises(errors.ConfigError, match=why):
        tane.compose(root / path)


def test_text_is_no_list_of_overrides(write):
    with pytest.raises(errors.ConfigError, match=r"overrides=\['model.l1_ratio=1'\]"):
        tane.compose(write(SURVEY) / "conf", "model.l1_ratio=1")


def test_the_result_cannot_be_changed_and_the_next_is_its_own(write):
    root = write(SURVEY)
    with pytest.raises(TypeError):
        tane.compose(root / "conf").model["alpha"] = 2
    assert tane.compose(root / "conf").model.alpha == 0.0005


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('targets = ["*.models"]', "which is no dotted name with a package"),
        ('targets = "a.b"', 'write targets = ["sklearn.linear_model.*"]'),
        ('resolvers = ["shop.words:loud"]', "resolvers is not a table of names and functions"),
        ('resolvers = { loud = "shop.words:lout" }', "lout"),
        ('resolvers = { loud = "shop.words:__name__" }', "which is no function"),
    ],
)
def test_settings_that_do_not_fit_are_told(write, line, why):
    table = f'[tool.tane]\npackage = "shop"\n{line}\n'
    with pytest.raises(errors.ProjectError) as raised:
        tane.compose(write({**PROJECT, "pyproject.toml": table}))
    assert why in str(raised.value)
