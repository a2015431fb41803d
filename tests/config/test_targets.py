from __future__ import annotations

import collections
import datetime
import functools
import sys
import types

import pytest

from tane import errors
from tane.config import targets, views

ALLOWED = ("datetime.*", "collections.OrderedDict", "fractions.Fraction", "json.**")


def made(config, *args, **kwargs):
    return targets.instantiate(config, *args, targets=ALLOWED, **kwargs)


def told(config, *args, **kwargs) -> str:
    with pytest.raises(errors.ConfigError) as raised:
        made(config, *args, **kwargs)
    return str(raised.value)


def test_a_target_is_called_with_the_other_keys():
    assert made({"_target_": "datetime.date", "year": 2026, "month": 1, "day": 2}) == datetime.date(2026, 1, 2)
    assert made({"_target_": "datetime.date", "year": 2026, "month": 1}, day=3) == datetime.date(2026, 1, 3)
    assert made({"_target_": "datetime.date", "_args_": [2026, 1, 4]}) == datetime.date(2026, 1, 4)
    assert made({"_target_": "datetime.date", "_args_": [2026, 1, 4]}, 2027, 2, 5) == datetime.date(2027, 2, 5)


def test_what_is_below_is_made_first():
    day = {"_target_": "datetime.date", "year": 2026, "month": 1, "day": 2}
    assert made({"a": [day, 1], "b": {"c": day}}) == {
        "a": [datetime.date(2026, 1, 2), 1],
        "b": {"c": datetime.date(2026, 1, 2)},
    }
    whole = {"_target_": "collections.OrderedDict", "x": day, "_recursive_": False}
    assert made(whole)["x"] == day


def test_a_partial_takes_the_rest_later():
    later = made({"_target_": "datetime.date", "_partial_": True, "year": 2026, "day": "???"})
    assert isinstance(later, functools.partial)
    assert later(month=1, day=2) == datetime.date(2026, 1, 2)


def test_nothing_is_made_of_nothing_and_views_are_taken():
    assert made(None) is None
    assert made(views.of({"_target_": "datetime.date", "_args_": [2026, 1, 4]})) == datetime.date(2026, 1, 4)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("os.system", "_target_ 'os.system' is not allowed here"),
        ("subprocess.Popen", 'targets = ["subprocess.Popen"]'),
        ("fractions.Fractions", "did you mean 'fractions.Fraction'?"),
        ("json.decoder.scanner.re.sys.exit", "cannot be imported"),
        ("json.codecs.builtins.eval", "cannot be imported"),
        ("json.decoder.JSONDecoder.__init__.__globals__", "is no dotted name"),
        ("json.nothing", "cannot be imported"),
        ("json.__builtins__.eval", "is no dotted name"),
        ("eval", "is no dotted name"),
        ("datetime.MINYEAR", "is no class or function"),
        ("datetime.sys", "not"),
        ("", "is no dotted name"),
    ],
)
def test_what_is_not_allowed_is_not_made(name, why):
    assert why in told({"a": {"_target_": name}})


def test_what_an_allowed_module_only_imported_is_not_allowed_with_it(monkeypatch):
    module = types.ModuleType("own")
    module.system, module.Mine = __import__("os").system, type("Mine", (), {"__module__": "own"})
    monkeypatch.setitem(sys.modules, "own", module)
    assert isinstance(targets.instantiate({"_target_": "own.Mine"}, targets=["own.*"]), module.Mine)
    with pytest.raises(errors.ConfigError, match="of another package"):
        targets.instantiate({"_target_": "own.system", "command": "true"}, targets=["own.*"])


def test_all_that_is_not_allowed_is_told_before_anything_is_made():
    message = told({"a": {"_target_": "os.system"}, "b": [{"_target_": "shutil.rmtree"}], "c": {"_target_": 3}})
    assert "os.system" in message and "shutil.rmtree" in message and "_target_ is 3" in message


def test_a_module_that_is_not_allowed_is_not_imported():
    sys.modules.pop("antigravity", None)
    assert "is not allowed" in told({"_target_": "antigravity.fly"})
    assert "antigravity" not in sys.modules


def test_what_code_marks_may_be_named_and_what_inherits_from_it_not(monkeypatch):
    module = types.ModuleType("marked")

    @targets.factory
    class Net:
        def __init__(self, size: int) -> None:
            self.size = size

    module.Net, module.Deep = Net, type("Deep", (Net,), {})
    monkeypatch.setitem(sys.modules, "marked", module)
    assert targets.instantiate({"_target_": "marked.Net", "size": 3}).size == 3
    with pytest.raises(errors.ConfigError, match="not allowed"):
        targets.instantiate({"_target_": "marked.Deep", "size": 3})


def test_keys_that_do_not_fit_are_told():
    assert "datetime.timedelta cannot be made" in told({"_target_": "datetime.timedelta", "yaer": 1})
    assert "day is still to be given" in told({"_target_": "datetime.date", "year": 1, "month": 1, "day": "???"})
    assert "_partial_ is 'yes'" in told({"_target_": "datetime.date", "_partial_": "yes"})


def test_patterns():
    assert targets.matches("a.b.C", "a.b.*") and not targets.matches("a.b.c.D", "a.b.*")
    assert targets.matches("a.b.c.D", "a.**") and targets.matches("a.b.MyNet", "a.b.*Net")
    assert not targets.matches("xa.b", "a.*") and not targets.is_pattern("*.b") and not targets.is_pattern("")
    assert targets.is_pattern("sklearn.linear_model.*")


def test_mappings_given_come_over_those_of_the_configuration():
    config = {"_target_": "collections.OrderedDict", "x": {"a": 1, "b": 2}}
    assert made(config, x={"b": 3}) == collections.OrderedDict(x={"a": 1, "b": 3})
