from __future__ import annotations

import importlib
import pickle
import sys

import pytest

from tane import errors
from tane.plan import code, transforms
from tane.project import plugins

SOURCE = """
FACTOR = 2


class Scale:
    datasets = ["raw_*", "table"]

    def transform(self, name, value):
        return FACTOR * value


class Typed:
    def applies(self, name, type):
        return type.startswith("json")

    def transform(self, name, value):
        return value + [name]


class Failing(Scale):
    def transform(self, name, value):
        raise ValueError("no number")


class Forgetful(Scale):
    def transform(self, name, value):
        pass


class Undecided(Scale):
    def applies(self, name, type):
        return 1 / 0


class Set:
    datasets = ["*"]

    def __init__(self, by):
        self.by = by

    def transform(self, name, value):
        return value * self.by


by_three = Set(3)
by_four = Set(4)
"""

AS_A_MODULE = """
datasets = ["table"]


def transform(name, value):
    return -value
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes modules of a project, and gives the transforms by the names they are imported by."""
    monkeypatch.syspath_prepend(tmp_path)
    seen = set(sys.modules)

    def active(*paths, source=SOURCE):
        (tmp_path / "turning.py").write_text(source)
        (tmp_path / "minus.py").write_text(AS_A_MODULE)
        for name in ("turning", "minus"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        found = []
        for path in paths:
            module, _, name = path.partition(":")
            target = importlib.import_module(module)
            target = getattr(target, name) if name else target
            found.append(plugins.Transform(name or module, target() if isinstance(target, type) else target, path, ""))
        return transforms.Transforms(found, code.Cache(tmp_path))

    yield active
    for name in set(sys.modules) & {"turning", "minus"} - seen:
        del sys.modules[name]


def applied(active, name, value, type=""):
    return transforms.apply(active.of(name, type), name, value)


def test_patterns_say_what_a_transform_applies_to(project):
    active = project("turning:Scale")
    assert applied(active, "raw_table", 4) == 8
    assert applied(active, "table@pandas", 4) == 8
    assert applied(active, "model", 4) == 4
    assert active.digest("table", "") != "" == active.digest("model", "")


def test_applies_may_look_at_the_type(project):
    active = project("turning:Typed")
    assert applied(active, "notes", [], "json.JSONDataset") == ["notes"]
    assert active.of("notes", "text.TextDataset") == ()


def test_transforms_apply_one_after_the_other(project):
    assert applied(project("turning:Scale", "turning:by_three", "minus"), "table", 1) == -6


def test_the_order_counts(project):
    one, other = project("turning:Scale", "minus"), project("minus", "turning:Scale")
    assert one.digest("table", "") != other.digest("table", "")


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("turning:Scale", "FACTOR * value", "FACTOR * value + 1"),
        ("turning:Scale", "FACTOR = 2", "FACTOR = 3"),
        ("turning:by_three", "Set(3)", "Set(30)"),
    ],
)
def test_another_code_is_another_digest(project, path, old, new):
    before = project(path).digest("table", "")
    assert project(path, source=SOURCE.replace(old, new)).digest("table", "") != before


def test_code_it_does_not_reach_does_not_count(project):
    before = project("turning:Scale").digest("table", "")
    after = project("turning:Scale", source=SOURCE.replace("no number", "none") + "# more\n").digest("table", "")
    assert after == before


def test_settings_tell_instances_apart(project):
    assert project("turning:by_three").digest("x", "") != project("turning:by_four").digest("x", "")


def test_the_files_it_rests_on_are_known(project, tmp_path):
    active = project("turning:Scale")
    active.digest("table", "")
    assert active.files == {tmp_path / "turning.py"}


def test_references_travel_by_name(project):
    sent = pickle.dumps(project("turning:Scale", "minus", "turning:by_four").of("table", ""))
    assert transforms.apply(pickle.loads(sent), "table", 1) == -8


def test_what_it_raises_names_transform_and_dataset(project, tmp_path):
    with pytest.raises(errors.UserCodeError, match="'Failing' failed on 'table': ValueError: no number") as caught:
        applied(project("turning:Failing"), "table", 1)
    assert caught.value.where == f"{tmp_path / 'turning.py'}:22"
    assert 'raise ValueError("no number")' in caught.value.traceback


def test_a_value_forgotten_is_an_error(project):
    with pytest.raises(errors.UserCodeError, match="'Forgetful' returned None for 'table'"):
        applied(project("turning:Forgetful"), "table", 1)


def test_a_decision_that_fails_is_an_error(project):
    with pytest.raises(errors.UserCodeError, match="applies.. of transform 'Undecided' failed on 'x'"):
        project("turning:Undecided").of("x", "")


def test_an_installed_one_counts_by_its_version_and_its_module(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def digest(text, version):
        (folder / "masking_far.py").write_text(text)
        sys.modules.pop("masking_far", None)
        importlib.invalidate_caches()
        made = plugins.Transform("mask", importlib.import_module("masking_far").Mask(), "masking_far:Mask", version)
        active = transforms.Transforms([made], code.Cache(tmp_path))
        assert active.libraries("x", "") == ("masking_far",)
        assert active.files == {folder / "masking_far.py"}
        return active.digest("x", "")

    text = "class Mask:\n    datasets = ['*']\n    def transform(self, name, value): return value\n"
    try:
        assert len({digest(text, "mask 1.0"), digest(text, "mask 1.1"), digest(text + "# more\n", "mask 1.0")}) == 3
    finally:
        sys.modules.pop("masking_far", None)


def test_changes_are_told_in_words():
    old = {"table": {"Scale": "0 a", "Gone": "1 b"}}
    new = {"table": {"Scale": "0 c"}, "notes": {"Typed": "0 d"}}
    assert transforms.changes(old, new) == [
        "transform Typed of notes is new",
        "transform Gone of table is gone",
        "transform Scale of table changed",
    ]
    assert transforms.changes(new, new) == []


def test_without_transforms_nothing_is_asked():
    none = transforms.Transforms((), None)
    assert not none
    assert (none.digest("x", ""), none.of("x", "")) == ("", ())
    assert (none.libraries("x", ""), none.described("x", "")) == ((), {})
