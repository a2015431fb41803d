"""Everything a user can name is documented."""

from __future__ import annotations

import re
import tomllib

import click
import docs_pages
import pytest

import tane
from tane import errors, outcomes
from tane.catalog import entries, kinds
from tane.cli import group
from tane.config import layers
from tane.pipeline.graph import Pipeline
from tane.project import settings, starters

DOCS = docs_pages.ROOT / "docs"


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


VERBS = group.tane.list_commands(click.Context(group.tane))


def flags_of(verb):
    command = group.tane.get_command(click.Context(group.tane), verb)
    return {flag for option in command.params if isinstance(option, click.Option) for flag in option.opts}


def section(text, title):
    """The part of a page below the heading `title`, up to the next of the same level."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", text, re.S | re.M)
    assert found, f"there is no section {title!r}"
    return found[1]


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_command_is_documented(verb):
    text = section(page("commands.md"), f"`tane {verb}`")
    if "[Choosing what](#choosing-what)" in text:
        text += section(page("commands.md"), "Choosing what")
    assert not [flag for flag in flags_of(verb) if not re.search(rf"`{flag}[ `]", text)]


@pytest.mark.parametrize("verb", VERBS)
def test_no_option_is_documented_that_a_command_lacks(verb):
    rows = re.findall(r"^\| (`-[^|]*) \|", section(page("commands.md"), f"`tane {verb}`"), re.M)
    assert {flag for row in rows for flag in re.findall(r"`(-[\w-]+)", row)} <= flags_of(verb)


def test_every_dataset_type_is_documented():
    text = page("catalog.md") + page("datasets.md")
    assert not [name for name in kinds.names() if f"`{name}`" not in text]


def test_every_key_of_an_entry_is_documented():
    text = page("catalog.md") + page("datasets.md")
    own = {key for kind in (*kinds.KINDS.values(), *kinds.OBJECTS.values()) for key in kind.keys}
    assert not [key for key in (*entries.KEYS, *own) if f"`{key}`" not in text]


def test_every_public_name_is_documented():
    text = "".join(path.read_text(encoding="utf-8") for path in docs_pages.PAGES)
    assert not [name for name in tane.__all__ if not re.search(rf"`(tane\.)?{re.escape(name)}\b", text)]


def test_every_way_to_choose_nodes_is_documented():
    names = Pipeline.filter.__annotations__.keys() - {"return"}
    assert not [name for name in names if f"`{name}`" not in page("pipelines.md")]


def all_errors(kind=errors.TaneError):
    yield kind
    for below in kind.__subclasses__():
        yield from all_errors(below)


def test_every_error_is_documented_with_its_exit_code():
    text = section(page("running.md"), "Errors and exit codes")
    for kind in all_errors():
        if kind.__module__ == errors.__name__:
            assert re.search(rf"^\| `{kind.__name__}` \| {kind.exit_code} \|", text, re.M), kind


def test_every_reason_is_documented():
    text = section(page("running.md"), "Reasons")
    assert not [str(why) for why in outcomes.Why if f"| `{why}" not in text]


def test_every_status_is_documented():
    text = page("running.md")
    assert not [str(word) for word in (*outcomes.RunStatus, *outcomes.StepStatus) if f"`{word}`" not in text]


def test_every_setting_of_a_project_is_documented():
    assert not [key for key in settings.KEYS if f"`{key}`" not in page("projects.md")]


def test_every_starter_is_documented():
    assert not [name for name in starters.available() if f"`{name}`" not in page("projects.md")]


def test_every_file_of_the_configuration_is_documented():
    assert not [name for name in layers.SECTIONS if f"`{name}" not in page("configuration.md")]


def test_every_room_stands_in_the_architecture():
    rooms = {path.name for path in (docs_pages.ROOT / "src/tane").iterdir() if (path / "__init__.py").is_file()}
    rooms |= {path.stem for path in (docs_pages.ROOT / "src/tane").glob("[a-z]*.py")}
    assert not [name for name in rooms if f"`{name}`" not in page("architecture.md")]


def test_the_law_of_imports_is_the_one_that_is_checked():
    project = tomllib.loads((docs_pages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    law = next(block.text for block in docs_pages.blocks(DOCS / "architecture.md"))
    written = re.findall(r"[a-z]+", law.split("<", 1)[1])
    assert written == layers[::-1][-len(written) :]
    assert set(re.findall(r"[a-z]+", law)) >= set(layers)
