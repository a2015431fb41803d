"""How the files of imported modules looked."""

from __future__ import annotations

from types import ModuleType

from tane.project import loaded


class Pretender:
    """Says that it is a module, as what cffi makes does; nothing can refer to it weakly."""

    __slots__ = ()

    @property
    def __class__(self):
        return ModuleType


def test_what_only_says_it_is_a_module_is_none():
    assert isinstance(Pretender(), ModuleType)
    assert loaded.looked(Pretender()) == []
