"""Records behave as those of dataclasses do."""

from __future__ import annotations

import copy
import inspect
import pickle
from functools import cached_property
from typing import Any, ClassVar

import pytest

from tane import fielded


@fielded.frozen
class Point:
    """A place."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 0
    names: list[str] = fielded.field(default_factory=list, repr=False, compare=False)

    def moved(self) -> Point:
        return fielded.replace(self, x=self.x + 1)


@fielded.frozen
class Pixel(Point):
    colour: str = "red"


@fielded.frozen(eq=False, slots=False)
class Folder:
    path: str
    notes: list[str] = fielded.field(default_factory=list)

    @cached_property
    def parts(self) -> list[str]:
        return self.path.split("/")


@fielded.frozen(eq=False, slots=False)
class Home(Folder):
    owner: str = "me"

    @cached_property
    def parts(self) -> list[str]:
        return [*super().parts, self.owner]


@fielded.mutable
class Count:
    number: int = 0
    more: dict[str, Any] = fielded.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.number += 1


def test_fields_are_given_in_order_or_by_name():
    assert (Point(1, 2).x, Point(x=1, y=2).y, Point(1).y, Point(1).kind) == (1, 2, 0, "point")


def test_defaults_that_are_made_are_made_anew():
    first, second = Point(1), Point(1)
    first.names.append("a")
    assert second.names == []


@pytest.mark.parametrize("given", [((), {}), ((1, 2, [], 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1})])
def test_what_does_not_fit_is_refused(given):
    with pytest.raises(TypeError, match=r"Point.__init__\(\)"):
        Point(*given[0], **given[1])


def test_a_frozen_record_cannot_be_changed():
    with pytest.raises(AttributeError, match="cannot assign to field 'x': a Point is frozen"):
        Point(1).x = 2
    with pytest.raises(AttributeError, match="frozen"):
        del Point(1).x
    with pytest.raises(AttributeError, match="frozen"):
        Folder("a").path = "b"


def test_slots_leave_no_room_for_other_attributes():
    with pytest.raises(AttributeError):
        Count().other = 1


def test_records_are_equal_by_class_and_compared_fields():
    assert Point(1, names=["a"]) == Point(1) != Point(2)
    assert Point(1) != Pixel(1)
    assert len({Point(1), Point(1, 0), Pixel(1), Pixel(1, colour="red")}) == 2
    assert Folder("a") != Folder("a")


def test_mutable_records_have_no_hash():
    assert Count() == Count()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Count())


def test_a_subclass_has_the_fields_of_both():
    assert repr(Pixel(1, 2)) == "Pixel(x=1, y=2, colour='red')"
    assert fielded.fields(Pixel) == ("x", "y", "names", "colour")
    assert Home("a/b").parts == ["a", "b", "me"]


def test_a_record_is_replaced_by_a_changed_copy():
    assert Point(1, 5).moved() == Point(2, 5)
    with pytest.raises(TypeError, match="z"):
        fielded.replace(Point(1), z=1)


@pytest.mark.parametrize("one", [Point(1, 2, ["a"]), Pixel(1), Count(4)])
def test_records_travel(one):
    assert pickle.loads(pickle.dumps(one)) == one == copy.copy(one) == copy.deepcopy(one)
    assert fielded.asdict(copy.deepcopy(one)) == fielded.asdict(one)


def test_as_dict_goes_into_containers():
    assert fielded.asdict(Count(0, {"at": [Point(1)]})) == {
        "number": 1,
        "more": {"at": [{"x": 1, "y": 0, "names": []}]},
    }


def test_the_signature_can_be_seen():
    assert list(inspect.signature(Pixel).parameters) == ["x", "y", "names", "colour"]
    assert inspect.signature(Point).parameters["y"].default == 0


def test_records_are_matched():
    match Pixel(1, 2):
        case Pixel(x, colour=colour):
            assert (x, colour) == (1, "red")
