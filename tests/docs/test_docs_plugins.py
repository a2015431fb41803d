"""What a plug-in can rely on is documented."""

from __future__ import annotations

import re

import docs_pages
import pytest

from tane import events, fielded
from tane.project import plugins

PAGE = (docs_pages.ROOT / "docs/plugins.md").read_text(encoding="utf-8")
RECORDS = (
    events.RunStarted,
    events.StepStarted,
    events.StepEnded,
    events.DatasetMoved,
    events.Failed,
    events.RunEnded,
)


def test_every_method_of_a_hook_is_documented():
    assert tuple(re.findall(r"^\| `(\w+)` \| (?:when|before)", PAGE, re.M)) == (
        "before_run",
        "before_step",
        "before_load",
        "after_load",
        "before_save",
        "after_save",
        "after_step",
        "on_error",
        "after_run",
    )
    assert not [name for name in plugins.METHODS if f"| `{name}` |" not in PAGE]


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_of_a_record_is_documented(record):
    row = re.search(rf"^\|.*\| `{record.__name__}` \| (.*) \|$", PAGE, re.M)
    assert row is not None
    assert not [name for name in fielded.fields(record) if f"`{name}`" not in row[1]]


def test_every_group_of_entry_points_is_documented():
    groups = [plugins.HOOKS, plugins.TRANSFORMS, "tane.datasets", "tane.executors"]
    assert not [group for group in groups if f"`{group}`" not in PAGE]
