"""A composed configuration to be read by name: `cfg.model.lr` as well as `cfg["model"]["lr"]`. Made by `of`.

Views are dicts and lists that cannot be changed, so whatever takes a dict takes them: `**cfg.model`, `json.dumps(cfg)`.
A name that is not there is told with the nearest one, and so is a value that is still to be given (`???`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from tane import errors
from tane.config import scalars

_NONE = object()


class View(dict[Any, Any]):
    """A mapping of a configuration, with its keys as attributes. Methods of dicts come before keys of their name."""

    __slots__ = ("_name", "_targets")

    def __init__(self, values: Mapping[Any, Any] = {}, name: str = "", targets: tuple[str, ...] = ()) -> None:
        below = ((key, of(value, f"{name}.{key}" if name else str(key), targets)) for key, value in values.items())
        super().__init__(below)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_targets", targets)

    def __getitem__(self, key: Any) -> Any:
        value = super().get(key, _NONE)
        if value is _NONE:
            raise KeyError(self._unknown(key))
        if type(value) is str and value == scalars.MISSING:
            raise _missing(f"{self._name}.{key}" if self._name else str(key))
        return value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self:
            raise AttributeError(self._unknown(name))
        return self[name]

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at `key`; `default` where there is none, or it is still to be given."""
        value = super().get(key, default)
        return default if type(value) is str and value == scalars.MISSING else value

    def _unknown(self, key: object) -> str:
        near = errors.nearest(str(key), [str(own) for own in self])
        there = f"did you mean {near!r}?" if near else f"there are: {', '.join(map(str, self)) or 'none'}"
        return f"{self._name or 'the configuration'} has no {str(key)!r}: {there}"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self if isinstance(key, str))]

    def __copy__(self) -> View:
        return self

    def __deepcopy__(self, memo: Any) -> dict[Any, Any]:
        return {key: plain(value) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return View, (dict(self.items()), self._name, self._targets)

    def __or__(self, other: Any) -> Any:
        return dict(self.items()) | other

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise _unchanging(self._name)

    __setitem__ = __delitem__ = __setattr__ = __delattr__ = _refuse
    update = pop = popitem = clear = setdefault = __ior__ = _refuse


class Items(list[Any]):
    """A list of a configuration."""

    __slots__ = ()

    def __getitem__(self, at: Any) -> Any:
        value = super().__getitem__(at)
        if type(value) is str and value == scalars.MISSING:
            raise _missing(f"item {at}")
        return value

    def __copy__(self) -> Items:
        return self

    def __deepcopy__(self, memo: Any) -> list[Any]:
        return [plain(value) for value in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return Items, (list(self),)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise _unchanging("")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = pop = remove = clear = sort = reverse = _refuse


def of(value: Any, name: str = "", targets: tuple[str, ...] = ()) -> Any:
    """`value` as a view: mappings and lists that cannot be changed, anything else itself.

    `name` is what messages call it, `targets` what it may name in `_target_`.
    """
    if isinstance(value, Mapping):
        return View(value, name, targets)
    if isinstance(value, list | tuple):
        return Items(of(item, f"{name}.{at}", targets) for at, item in enumerate(value))
    return value


def plain(value: Any) -> Any:
    """Dicts and lists of their own, that may be changed."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def targets_of(value: Any) -> tuple[str, ...] | None:
    """What the configuration that `value` is of may name in `_target_`; None when it is of none."""
    return value._targets if isinstance(value, View) else None


def _missing(name: str) -> errors.ConfigError:
    return errors.ConfigError(f"{name} is still to be given (???)", hint=f"write {name}=VALUE")


def _unchanging(name: str) -> TypeError:
    return TypeError(f"{name or 'a configuration'} cannot be changed: copy.deepcopy() gives one that can")
