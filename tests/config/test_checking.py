from __future__ import annotations

import datetime
import enum
import sys
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Protocol, TypedDict

import pytest

from tane import errors
from tane.config import checking, fitting


class Kind(enum.Enum):
    TREE = "tree"
    NET = "net"


@dataclass
class Optimiser:
    name: str
    rate: float = 0.1


@dataclass
class ModelConfig:
    depth: int
    optimiser: Optimiser
    kind: Kind = Kind.TREE
    layers: tuple[int, ...] = ()
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise ValueError("depth must not be negative")


@dataclass
class WithInitVar:
    seed: InitVar[int]
    value: int = 0

    def __post_init__(self, seed: int) -> None:
        self.value = seed * 2


class Split(TypedDict, total=False):
    share: typing.Required[float]
    seed: int


class Unaskable(Protocol):
    size: int


Rate = NewType("Rate", float)


def misfits(value: Any, annotation: Any) -> list[fitting.Misfit]:
    found: list[fitting.Misfit] = []
    fitting.take(value, annotation, (), found)
    return found


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, int),
        (1, float),
        (1.5, float),
        ("a", str),
        (True, bool),
        (None, None),
        (None, int | None),
        (None, typing.Optional[int]),  # noqa: UP045 - both spellings
        (1, int | str),
        ("a", Literal["a", "b"]),
        ([1, 2], list[int]),
        ([1, 2], list),
        ([1, "a"], tuple[int, str]),
        ([1, 2, 3], tuple[int, ...]),
        ([], tuple[()]),
        (["a"], Sequence[str]),
        ({"a": 1}, Iterable[str]),
        ({"a": 1}, dict[str, float]),
        ({0: 1}, dict[int, int]),
        ({"a": {"b": [1]}}, Mapping[str, dict[str, list[int]]]),
        ({"share": 0.2}, Split),
        ("net", Kind),
        ("NET", Kind),
        (0.1, Rate),
        (5, Annotated[int, ["metadata that cannot be hashed"]]),
        ([5], list[Annotated[int, []]]),
        (object(), Any),
        ("anything", types.SimpleNamespace),
        ("anything", Unaskable),
        ("anything", "UnresolvedName"),
        ([1], list[typing.ForwardRef("Unresolved")]),
        ("a", typing.TypeVar("T")),
        ("2024-01-31", datetime.date),
        ("data/x.csv", Path),
    ],
)
def test_what_fits_is_let_through(value, annotation):
    assert misfits(value, annotation) == []


@pytest.mark.parametrize(
    ("value", "annotation", "what"),
    [
        ("fast", float, "is 'fast' (text), expected a number"),
        (True, int, "is true (true or false), expected a whole number"),
        (True, float, "is true (true or false), expected a number"),
        (1, bool, "is 1 (a whole number), expected true or false"),
        (1.0, int, "is 1.0 (a number), expected a whole number"),
        (5, str, "is 5 (a whole number), expected text"),
        (None, int, "is null, expected a whole number"),
        ("x", int | None, "is 'x' (text), expected a whole number"),
        ([], int | str, "is a list, expected a whole number or text"),
        ("c", Literal["a", "b"], "is 'c', expected one of 'a', 'b'"),
        (True, Literal[1], "is true, expected one of 1"),
        ("abc", list[str], "is 'abc' (text), expected a list, each item text"),
        ({"a": 1}, list[int], "is a mapping, expected a list, each item a whole number"),
        ([1], tuple[int, int], "has 1 items, expected 2"),
        ([[1]], set[list[int]], "has items that a set cannot hold"),
        ([1], dict[str, int], "is a list, expected a mapping"),
        ({1: 1}, dict[str, int], "has a key that is 1 (a whole number), expected text"),
        ("forest", Kind, "is 'forest', expected one of 'tree', 'net'"),
        (3, ModelConfig, "is 3 (a whole number), expected a mapping with the fields of ModelConfig"),
        ({"seed": 1}, Split, "lacks 'share', which Split needs"),
        ("soon", datetime.date, "is 'soon' (text), expected date"),
        (5, Path, "is 5 (a whole number), expected a path"),
    ],
)
def test_what_does_not_fit_is_said(value, annotation, what):
    assert [misfit.what for misfit in misfits(value, annotation)] == [what]


def test_a_misfit_deep_inside_is_named_by_its_keys():
    value = {"depth": 1, "optimiser": {"name": "adam", "rate": "fast"}, "layers": [1, "x"]}
    found = misfits(value, ModelConfig)
    assert {misfit.keys for misfit in found} == {("optimiser", "rate"), ("layers", "1")}


def test_a_dataclass_names_unknown_and_missing_fields():
    found = misfits({"dept": 1, "optimiser": {"name": "x"}}, ModelConfig | None)
    assert [(m.what, m.hint) for m in found] == [
        ("is no field of ModelConfig", "did you mean 'depth'?"),
        ("lacks 'depth', which ModelConfig needs", "add depth: ..."),
    ]


def test_what_a_dataclass_refuses_itself_is_passed_on():
    found = misfits({"depth": -1, "optimiser": {"name": "x"}}, ModelConfig)
    assert [m.what for m in found] == ["is refused by ModelConfig: depth must not be negative"]


def test_fit_makes_instances_all_the_way_down():
    value = {"depth": 2, "optimiser": {"name": "adam"}, "kind": "net", "layers": [1, 2]}
    assert checking.fit(value, ModelConfig) == ModelConfig(2, Optimiser("adam"), Kind.NET, (1, 2))


@pytest.mark.parametrize(
    ("value", "annotation", "fitted"),
    [
        ({"seed": 4}, WithInitVar, None),
        (["tree"], list[Kind], [Kind.TREE]),
        ({"a": "net"}, dict[str, Kind], {"a": Kind.NET}),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, 1], set[int], {1}),
        ("a/b", Path, Path("a/b")),
        ("2024-01-31", datetime.date, datetime.date(2024, 1, 31)),
        (Kind.NET, Kind, Kind.NET),
        ("a", Path | str, "a"),
        (None, ModelConfig | None, None),
    ],
)
def test_fit_converts(value, annotation, fitted):
    found = checking.fit(value, annotation)
    if annotation is WithInitVar:
        assert found.value == 8
    else:
        assert (found, type(found)) == (fitted, type(fitted))


@pytest.mark.parametrize(
    ("value", "annotation"),
    [([1, 2], list[int]), ({"a": [1]}, dict[str, list[float]]), ({"share": 1}, Split)],
)
def test_fit_gives_back_itself_what_needs_no_conversion(value, annotation):
    assert checking.fit(value, annotation) is value


def test_fit_refuses_what_does_not_fit():
    with pytest.raises(errors.ConfigError, match=r"optimiser\.rate is 'x'"):
        checking.fit({"depth": 1, "optimiser": {"name": "a", "rate": "x"}}, ModelConfig)


def test_a_model_says_what_it_refuses(monkeypatch):
    class RefusalError(ValueError):
        def errors(self):
            return [{"loc": ("rate",), "msg": "Input should be a valid number"}]

    class Model:
        @classmethod
        def model_validate(cls, value):
            if value["rate"] == "fast":
                raise RefusalError
            return cls()

    module = types.ModuleType("pydantic")
    module.BaseModel = Model
    monkeypatch.setitem(sys.modules, "pydantic", module)

    class Settings(Model):
        pass

    assert isinstance(checking.fit({"rate": 1}, Settings), Settings)
    assert misfits({"rate": "fast"}, Settings)[0].keys == ("rate",)


def test_what_a_pydantic_model_lacks_or_does_not_know_is_hinted_at():
    pydantic = pytest.importorskip("pydantic")

    class Settings(pydantic.BaseModel):
        model_config = {"extra": "forbid"}
        rate: float

    hints = [misfit.hint for misfit in misfits({"rat": 1}, Settings)]
    assert hints == ["add rate: ...", "did you mean 'rate'?"]


# --- check_parameters ---


@pytest.fixture
def check(write, config):
    """Check wants against conf/base/parameters.yml; gives the message, or "" when all fits."""
    write({"base/parameters.yml": "model:\n  lr: 0.1\n  depth: deep\nlayers:\n  - 1\n  - x\nseed: 1\n"})
    composed = config()

    def run(*wanted: checking.Want) -> str:
        try:
            checking.check_parameters(wanted, composed.parameters, composed.origin)
        except errors.ConfigError as error:
            return str(error)
        return ""

    return run


def test_what_is_there_and_fits_passes(check):
    assert (
        check(
            checking.Want("fit", "lr", "model.lr", float),
            checking.Want("fit", "params", "", dict[str, Any]),
            checking.Want("fit", "other", "nowhere", int, has_default=True),
        )
        == ""
    )


def test_a_value_that_does_not_fit_is_told_with_its_line(check):
    message = check(checking.Want("fit", "depth", "model.depth", int))
    assert (
        "conf/base/parameters.yml:3: model.depth is 'deep' (text), expected a whole number "
        "(node 'fit', argument 'depth')" in message
    )


def test_an_item_that_does_not_fit_is_told_with_its_own_line(check):
    assert "conf/base/parameters.yml:6: layers.1 is 'x'" in check(checking.Want("n", "a", "layers", list[int]))


def test_a_missing_parameter_offers_the_nearest_and_its_line(check):
    message = check(checking.Want("fit", "lr", "model.lrr", float))
    assert "node 'fit', argument 'lr': there is no parameter 'model.lrr'" in message
    assert "did you mean 'model.lr' (conf/base/parameters.yml:2)?" in message


def test_a_missing_parameter_like_no_other_says_what_to_do(check):
    assert "add it to the parameters, or give 'z' a default" in check(checking.Want("fit", "z", "zebra"))


def test_a_key_below_a_plain_value_is_told(check):
    assert "there is no parameter 'seed.x': seed is a whole number (conf/base/parameters.yml:7)" in check(
        checking.Want("fit", "x", "seed.x")
    )


def test_all_faults_are_told_at_once(check):
    message = check(
        checking.Want("fit", "depth", "model.depth", int),
        checking.Want("fit", "layers", "layers", list[int]),
        checking.Want("score", "z", "zebra"),
    )
    assert message.startswith("3 parameters do not fit")
    assert ["model.depth" in message, "layers.1" in message, "'zebra'" in message] == [True] * 3


def test_lookup_walks_mappings():
    parameters = {"a": {"b": ["x"]}}
    assert checking.lookup(parameters, "a.b") == ["x"]
    assert checking.lookup(parameters, "") is parameters
    with pytest.raises(KeyError):
        checking.lookup(parameters, "a.b.0")
