from __future__ import annotations

import pytest

from tane import errors
from tane.project import points, projects

PYPROJECT = '[project]\nname = "shop"\n\n[tool.tane]\npackage = "shop"\n'

HOOKS = """
class First:
    def before_run(self, event):
        pass

class Second:
    def after_step(self, event):
        pass

class Misspelt:
    def before_stpe(self, event):
        pass

class Elsewhere:
    def before_node_run(self, event):
        pass

class Idle:
    def load_table(self):
        pass

class Wide:
    def after_step(self, node, inputs):
        pass

class Needy:
    def __init__(self, channel):
        self.channel = channel

    def after_step(self, event):
        pass

class Broken:
    def __init__(self):
        raise RuntimeError("no such channel")

    def after_step(self, event):
        pass

class Anonymise:
    datasets = ["raw_*"]

    def transform(self, name, value):
        return value

class Aimless:
    def transform(self, name, value):
        return value

class Mistaken:
    datasets = "raw_table"

    def transform(self, value):
        return value

needy = Needy("#runs")
"""

MODULE = """
from .hooks import First

def after_run(event):
    pass
"""


def never(text):
    raise AssertionError(text)


@pytest.fixture
def opened(shop, write):
    """Opens the project with these lines in [tool.tane]."""

    def open_with(lines):
        write({"pyproject.toml": PYPROJECT + lines, "src/shop/hooks.py": HOOKS, "src/shop/watch.py": MODULE})
        return projects.open_project(shop, environ={})

    return open_with


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Lays a distribution with entry points on the path, as an installer would."""

    def lay(name, version, entry_points, modules):
        folder = tmp_path / "site-packages"
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "entry_points.txt").write_text(entry_points)
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(folder)

    return lay


def names(hooks):
    return [hook.name for hook in hooks]


def test_hooks_come_in_the_order_of_the_list(opened):
    project = opened('hooks = ["shop.hooks:Second", "shop.hooks:First", "shop.watch", "shop.hooks:needy"]')
    assert names(project.hooks(never)) == ["Second", "First", "shop.watch", "needy"]


def test_a_class_is_made_anew_for_each_run(opened):
    project = opened('hooks = ["shop.hooks:First"]')
    assert project.hooks(never)[0].target is not project.hooks(never)[0].target


@pytest.mark.parametrize(
    ("hook", "said", "hint"),
    [
        ("Misspelt", "before_stpe() would never be called", "did you mean 'before_step'?"),
        ("Elsewhere", "before_node_run() would never be called", "did you mean 'before_step'?"),
        ("Idle", "no method that a run calls", "give it one of before_run"),
        ("Wide", "after_step() does not take one argument", "def after_step(self, event)"),
        ("Needy", "cannot be made without channel", "name it instead"),
        ("Frist", "there is no 'Frist' in shop.hooks", "did you mean 'First'?"),
    ],
)
def test_a_hook_that_cannot_be_used_is_an_error_with_its_line(opened, hook, said, hint):
    project = opened(f'hooks = ["shop.hooks:{hook}"]')
    with pytest.raises(errors.ProjectError) as caught:
        project.hooks(never)
    assert said in str(caught.value)
    assert "pyproject.toml:6" in str(caught.value)
    assert hint in caught.value.hint


def test_all_misspelt_hooks_are_told_at_once(opened):
    project = opened('hooks = ["shop.hooks:Misspelt", "shop.hooks:Wide"]')
    with pytest.raises(errors.ProjectError) as caught:
        project.hooks(never)
    assert len(caught.value.faults) == 2


def test_a_module_that_is_not_there_offers_the_near_one(opened):
    project = opened('hooks = ["shop.hoks:First"]')
    with pytest.raises(errors.ProjectError, match="there is no module 'shop.hoks'") as caught:
        project.hooks(never)
    assert caught.value.hint == "did you mean 'hooks'?"


def test_what_a_hook_raises_when_it_is_made_shows_its_own_frame(opened):
    project = opened('hooks = ["shop.hooks:Broken"]')
    with pytest.raises(errors.UserCodeError, match="RuntimeError: no such channel") as caught:
        project.hooks(never)
    assert caught.value.where.startswith(str(project.root / "src/shop/hooks.py:"))
    assert "File" in caught.value.traceback


def test_a_hooks_module_that_needs_what_is_not_there_is_the_users_to_mend(opened, write):
    project = opened('hooks = ["shop.lacking"]')
    write({"src/shop/lacking.py": "import no_such_package_at_all\n"})
    with pytest.raises(errors.UserCodeError, match="shop.lacking does not import"):
        project.hooks(never)


@pytest.mark.parametrize("value", ['"shop.hooks:First"', "[1]", '["a:b", "a:b"]', '[""]'])
def test_hooks_must_be_a_list_of_names(opened, value):
    with pytest.raises(errors.ProjectError, match="pyproject.toml:6: hooks"):
        opened(f"hooks = {value}")


def test_installed_hooks_come_after_the_projects_own_by_name(opened, install):
    install(
        "chatter",
        "2.0",
        "[tane.hooks]\nzeal = chatter:Hook\nalarm = chatter:Hook [extra]\n",
        {"chatter": "class Hook:\n    def after_run(self, event): pass"},
    )
    found = opened('hooks = ["shop.hooks:First"]').hooks(never)
    assert names(found) == ["First", "alarm", "zeal"]
    assert found[1].whence == "chatter 2.0"
    assert names(opened('hooks = ["zeal", "shop.hooks:First"]').hooks(never)) == ["zeal", "First", "alarm"]


def test_an_installed_hook_can_be_left_out(opened, install):
    install("chatter", "2.0", "[tane.hooks]\nslack = chatter:Hook\n", {"chatter": "raise RuntimeError"})
    assert opened('without = ["slack"]').hooks(never) == ()
    said = []
    opened('without = ["slak"]').hooks(said.append)
    assert "did you mean 'slack'?" in said[0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("raise RuntimeError('of its own')", "RuntimeError: of its own"),
        ("class Hook:\n    def aftr_run(self, event): pass", "aftr_run() would never be called"),
        ("", "there is no 'Hook' in chatter"),
    ],
)
def test_a_broken_installed_hook_only_leaves_itself_out(opened, install, text, what):
    install("chatter", "2.0", "[tane.hooks]\nslack = chatter:Hook\n", {"chatter": text})
    said = []
    assert names(opened('hooks = ["shop.hooks:First"]').hooks(said.append)) == ["First"]
    assert "the hook 'slack' of chatter 2.0 is left out" in said[0]
    assert what in said[0]


def test_a_file_lists_hooks_in_a_variable(write):
    root = write({"flow.py": HOOKS + "\nfrom tane import Pipeline\nhooks = [First, needy]\npipeline = Pipeline([len])"})
    assert names(projects.open_project(root / "flow.py", environ={}).hooks(never)) == ["First", "Needy"]


def test_transforms_are_those_that_are_named(opened, install):
    text = "class Mask:\n    datasets = ['*']\n    def transform(self, name, value): return value"
    install("masking", "0.3", "[tane.transforms]\nmask = masking:Mask\n", {"masking": text})
    assert opened("").transforms() == ()
    own, installed = opened('transforms = ["shop.hooks:Anonymise", "mask"]').transforms()
    assert (own.name, own.path, own.distribution) == ("Anonymise", "shop.hooks:Anonymise", "")
    assert (installed.name, installed.path, installed.distribution) == ("mask", "masking:Mask", "masking 0.3")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("First", "has no method transform()"),
        ("Aimless", "does not say what it applies to"),
        ("Mistaken", "does not take a name and a value"),
        ("Mistaken", "datasets is 'raw_table', not a list"),
        ("Anonymize", "did you mean 'Anonymise'?"),
    ],
)
def test_a_transform_that_cannot_work_is_an_error(opened, name, said):
    with pytest.raises(errors.ProjectError) as caught:
        opened(f'transforms = ["shop.hooks:{name}"]').transforms()
    assert said in str(caught.value)
    assert "pyproject.toml:6" in str(caught.value)


def test_a_name_that_two_packages_offer_must_be_made_clear(opened, install):
    for name in ("masking", "hiding"):
        text = "class Mask:\n    datasets = ['*']\n    def transform(self, name, value): return value"
        install(name, "1.0", f"[tane.transforms]\nmask = {name}:Mask\n", {name: text})
    with pytest.raises(errors.ProjectError, match="offered by hiding 1.0 and masking 1.0"):
        opened('transforms = ["mask"]').transforms()


def test_of_two_versions_on_the_path_the_first_counts(install, tmp_path, monkeypatch):
    other = tmp_path / "other"
    (other / "Chat_Ter-1.0.dist-info").mkdir(parents=True)
    (other / "Chat_Ter-1.0.dist-info/entry_points.txt").write_text("[tane.hooks]\nold = chatter:Old\n")
    monkeypatch.syspath_prepend(other)
    install("chat.ter", "2.0", "# made\n[console]\na = b\n\n[tane.hooks]\nnew=chatter:New\n", {})
    found = points.installed("tane.hooks")
    assert [(point.name, point.path, point.version) for point in found] == [("new", "chatter:New", "2.0")]
