"""Where a script's configuration comes from; all ways give the same."""

# ruff: noqa: F841 - local variables are what is tested

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path

import pydantic
import pytest

import tane

VALUES = {"model": {"alpha": 0.0005, "l1_ratio": 0.9}, "random_state": 3, "double": 0.001, "names": ["a", "b"]}


@dataclass
class Model:
    alpha: float = 0.0005
    l1_ratio: float = 0.9


@dataclass
class Settings:
    model: Model = field(default_factory=Model)
    random_state: int = 3
    double: float = 0.001
    names: list[str] = field(default_factory=lambda: ["a", "b"])


class Validated(pydantic.BaseModel):
    model: dict[str, float] = {"alpha": 0.0005, "l1_ratio": 0.9}
    random_state: int = 3
    double: float = 0.001
    names: list[str] = ["a", "b"]


class Kind(enum.Enum):
    FAST = "fast"
    SAFE = "safe"


@dataclass
class Odd:
    kind: Kind = Kind.FAST
    place: Path = Path("data")


def local():
    model = {"alpha": 0.0005, "l1_ratio": 0.9}
    random_state = 3
    double = 2 * model["alpha"]
    names = ["a", "b"]
    _hidden = 1
    import math  # noqa: F401


def returned():
    return VALUES


def go(cfg):
    return cfg


@pytest.fixture
def ways(folder):
    yaml = "model: {alpha: 0.0005, l1_ratio: 0.9}\nrandom_state: 3\ndouble: 0.001\nnames: [a, b]\n"
    json = '{"model": {"alpha": 0.0005, "l1_ratio": 0.9}, "random_state": 3, "double": 0.001, "names": ["a", "b"]}'
    files = [str(folder.write("d.yml", yaml)), folder.write("d.json", json)]
    return [local, returned, Settings, Settings(), Validated, Validated(), VALUES, *files]


def test_every_way_to_give_defaults_gives_the_same(ways):
    for way in ways:
        assert tane.main(defaults=way)(go)() == VALUES
        changed = tane.main(defaults=way)(go).compose("model.l1_ratio=0.01", "names=[c]")
        assert changed == {**VALUES, "model": {"alpha": 0.0005, "l1_ratio": 0.01}, "names": ["c"]}


def test_local_variables_follow_those_they_are_made_of():
    assert tane.main(defaults=local)(go).compose("model.alpha=0.5").double == 1.0
    assert tane.main(defaults=local)(go).compose("double=7").double == 7


def test_local_variables_may_use_arguments_and_what_is_around(folder):
    start = 5

    def scoped(step=2):
        end = start + step

    assert tane.main(defaults=scoped)(go).compose("step=10") == {"step": 10, "end": 15}


def test_a_defaults_function_that_fails_is_told(folder):
    def broken():
        total = 1 / 0

    with pytest.raises(tane.TaneError, match=r"broken\(\) failed: ZeroDivisionError"):
        tane.main(defaults=broken)(go).compose()


def test_the_defaults_of_the_function_itself_are_configuration():
    main = tane.main(lambda alpha=0.5, where=Path("x"): (alpha, where))
    assert main.compose("alpha=1") == {"alpha": 1, "where": "x"}


def test_a_file_stands_over_values(folder):
    folder.write("c.yml", "model: {alpha: 1.0}\nextra: ${random_state}\n".replace("${random_state}", "2"))
    main = tane.main(config=str(folder.root / "c.yml"), defaults={"model": {"alpha": 0.1, "depth": 4}, "seed": 1})(go)
    assert main() == {"model": {"alpha": 1.0, "depth": 4}, "seed": 1, "extra": 2}
    assert main.compose("model.depth=9").model.depth == 9


def test_values_of_a_class_are_checked_all_at_once():
    with pytest.raises(tane.TaneError) as told:
        tane.main(defaults=Settings)(go).compose("++model.alpha=high", "++random_state=1.5")
    assert "model.alpha is 'high' (text), expected a number" in str(told.value)
    assert "random_state is 1.5" in str(told.value)


def test_what_is_still_to_be_given_is_missed_when_it_runs(folder):
    @dataclass
    class Required:
        alpha: float
        l1_ratio: float = 0.9

    main = tane.main(defaults=Required)(go)
    assert main.compose("alpha=1").alpha == 1
    with pytest.raises(tane.TaneError, match=r"alpha is still to be given"):
        main.run()
    assert main.run("alpha=0.5").result.alpha == 0.5


def test_enumerations_and_paths_are_text_and_come_back_as_they_were(folder):
    def typed(cfg: Odd):
        return cfg

    main = tane.main(defaults=Odd)(typed)
    assert main.compose() == {"kind": "fast", "place": "data"}
    assert main.run("kind=safe").result == Odd(Kind.SAFE, Path("data"))


@pytest.mark.parametrize(
    "given, said",
    [("nowhere.yml", "there is no file"), (3, "a int is no configuration"), ("c.toml", "neither YAML nor JSON")],
)
def test_what_is_no_configuration_is_told(folder, given, said):
    folder.write("c.toml", "")
    given = str(folder.root / given) if isinstance(given, str) else given
    with pytest.raises(tane.TaneError, match=said):
        tane.main(defaults=given)(go)()


def test_a_mistake_in_json_is_told_with_its_line(folder):
    folder.write("c.json", '{"alpha": 1,\n}')
    with pytest.raises(tane.TaneError, match=r"c\.json:2:1: this is not JSON"):
        tane.main(config=str(folder.root / "c.json"))(go)()


def test_an_override_that_does_not_fit_names_what_has_the_default(folder):
    main = tane.main(defaults=Odd)(go)
    with pytest.raises(tane.TaneError, match=r"kind is text \(Odd\), 3 is a whole number"):
        main.compose("kind=3")
