"""`tane config`: the composed configuration, and where each value of it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from tane import errors
from tane.catalog import masking
from tane.cli import asking, homes, tables
from tane.config import compose, layers, secret, trees
from tane.project import projects

_NONE = object()
_CHOICES = "choices"


class Leaf(NamedTuple):
    """A value that is no mapping with entries, and the keys that lead to it; the first one is its section."""

    keys: tuple[str, ...]
    value: Any

    @property
    def name(self) -> str:
        """Its dotted name: of a parameter without its section, as it is given on the command line."""
        return ".".join(self.keys[1:] if self.keys[0] in (layers.PARAMETERS, _CHOICES) else self.keys)


@click.group()
def command() -> None:
    """The configuration as it is composed: its values, and where they were written.

    \b
    Examples:
      tane config show model.lr --origin
      tane config diff base staging
    """


def _with_project(verb: Callable[..., Any]) -> Callable[..., Any]:
    verb = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")(homes.where(verb))
    return click.option("--section", default="", metavar="NAME", help="Only this section: parameters, catalog, ...")(
        verb
    )


@command.command("show", short_help="show composed values")
@click.argument("given", nargs=-1, metavar="[FLOW.py] [KEY] [KEY=VALUE]...")
@click.option("-e", "--env", "env", multiple=True, help="Configuration environments, in order; repeat or use commas.")
@click.option("--origin", "with_origin", is_flag=True, help="Say where each value was written, and each choice made.")
@asking.params
@_with_project
def show(
    given: tuple[str, ...],
    env: tuple[str, ...],
    with_origin: bool,
    params: str,
    section: str,
    path: str,
    as_json: bool,
) -> None:
    """Show the configuration as a run would have it: all of it, one section, or what stands under KEY.

    KEY is a parameter's dotted name, or begins with the name of a section. Secrets are shown as ***.

    \b
    Examples:
      tane config show
      tane config show model --env staging model.lr=0.1 --origin
      tane config show model=catboost --origin
      tane config show catalog.scores
      tane config show --section run
    """
    overrides = tuple(word for word in given if asking.is_override(word))
    path, key = homes.words([word for word in given if word not in overrides], path, "key")
    config = projects.open_project(path, env=split(env), overrides=overrides, params=params).config
    for notice in config.notices:
        click.echo(f"note: {notice}", err=True)
    chosen = _chosen(_sections(config, section), key, section)
    if as_json:
        click.echo(tables.as_json(_as_json(chosen, config, with_origin)))
    elif with_origin:
        rows = [(choice.group, choice.text, choice.origin) for choice in _choices(config, chosen.keys)]
        rows += [(leaf.name, _text(leaf), str(config.origin(*leaf.keys))) for leaf in _leaves(chosen)]
        click.echo(tables.table(rows))
    elif text := _yaml(chosen):
        click.echo(text, nl=False)


@command.command("diff", short_help="compare two environments")
@click.argument("first", metavar="ENV_A")
@click.argument("second", metavar="ENV_B")
@_with_project
def diff(first: str, second: str, section: str, path: str, as_json: bool) -> None:
    """Say which values differ between two environments; "base" is the one without any.

    \b
    Example:
      tane config diff base staging
    """
    configs = [projects.open_project(path, env=split((env,))).config for env in (first, second)]
    one, two = ({leaf.keys: leaf.value for leaf in _leaves(_sections(config, section))} for config in configs)
    if section in ("", layers.PARAMETERS):
        one, two = (_with_choices(values, config) for values, config in zip((one, two), configs, strict=True))
    found = []
    for keys in sorted({*one, *two}):
        left, right = one.get(keys, _NONE), two.get(keys, _NONE)
        if left is _NONE or right is _NONE or left != right or type(left) is not type(right):
            found.append((Leaf(keys, left), Leaf(keys, right)))
    if as_json:
        known = {
            "environments": [first, second],
            "differences": [
                {
                    "key": ".".join(left.keys) if left.keys[0] == _CHOICES else left.name,
                    **_side("first", left),
                    **_side("second", right),
                }
                for left, right in found
            ],
        }
        click.echo(tables.as_json(known))
    elif not found:
        click.echo(f"{first} and {second} compose to the same values")
    else:
        rows = [(left.name, _text(left), _text(right)) for left, right in found]
        click.echo(tables.table(rows, ("", first, second)))


def split(given: Sequence[str]) -> tuple[str, ...]:
    """Names that were repeated or given with commas; "base" is always there and needs no name."""
    found = (part.strip() for each in given for part in each.split(","))
    return tuple(name for name in found if name and name != layers.BASE)


class _Choice(NamedTuple):
    """An option that was chosen of a group, and where."""

    group: str
    value: Any
    origin: str

    @property
    def text(self) -> str:
        """The option, or the options."""
        return tables.value(list(self.value) if isinstance(self.value, tuple) else self.value)


def _choices(config: compose.Config, keys: tuple[str, ...]) -> list[_Choice]:
    """The choices that what stands at `keys` was composed with."""
    if keys[:1] not in ((), (layers.PARAMETERS,)):
        return []
    made = [_Choice(group, value, str(config.choice_origin(group))) for group, value in config.choices.items()]
    below = ".".join(keys[1:])
    return [each for each in sorted(made) if _concerns(each.group, below)]


def _with_choices(values: dict[tuple[str, ...], Any], config: compose.Config) -> dict[tuple[str, ...], Any]:
    made = {(_CHOICES, choice.group): choice.value for choice in _choices(config, ())}
    return made | values


def _concerns(group: str, below: str) -> bool:
    """Whether the values of a group's options land at, above or below a key."""
    name, at, package = group.partition("@")
    lands = ("" if package == "_global_" else package) if at else name.replace("/", ".")
    return f"{lands}.".startswith(f"{below}.") or f"{below}.".startswith(f"{lands}.") or not (lands and below)


# --- what is shown --------------------------------------------------------------------------------------------------


def _sections(config: compose.Config, section: str) -> dict[str, Any]:
    """The sections by name, or the one asked for. Values of secrets stay wrapped, so that they can be compared."""
    if section and section not in layers.SECTIONS:
        hint = errors.did_you_mean(section, layers.SECTIONS, f"there are: {', '.join(layers.SECTIONS)}")
        raise errors.UsageError(f"there is no section {section!r}", hint=hint)
    wanted = (section,) if section else layers.SECTIONS
    found = {name: config.section(name) for name in wanted if config.section(name)}
    return {name: _wrapped(values) if name == layers.CATALOG else values for name, values in found.items()}


def _wrapped(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog, with credentials that stand in an entry wrapped as those of credentials.yml are."""
    made: dict[str, Any] = {}
    for name, entry in entries.items():
        inner = entry.get(layers.CREDENTIALS) if isinstance(entry, Mapping) else None
        held = {layers.CREDENTIALS: _hidden(inner)} if isinstance(inner, Mapping) else {}
        made[name] = {**entry, **held} if held else entry
    return made


def _hidden(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hidden(item) for key, item in value.items()}
    return value if isinstance(value, secret.Secret) else secret.Secret(value)


class _Chosen(NamedTuple):
    """What was asked for: the keys that lead to it, and it."""

    keys: tuple[str, ...]
    value: Any


def _chosen(sections: Mapping[str, Any], key: str, section: str) -> _Chosen:
    """What stands under `key`: among the parameters, in the one section asked for, or in the section it begins with."""
    if not key:
        return _Chosen((section,), sections.get(section, {})) if section else _Chosen((), sections)
    parts = tuple(key.split("."))
    for keys in ((section, *parts), parts) if section else ((layers.PARAMETERS, *parts), parts):
        value: Any = sections
        for part in keys:
            value = _below(value, part)
        if value is not _NONE:
            return _Chosen(keys, value)
    known = [".".join(keys) for keys in _all_keys(sections.get(section or layers.PARAMETERS, {}))]
    hint = errors.did_you_mean(key, [*known, *sections], "tane config show lists all there are")
    raise errors.UsageError(f"the configuration has no {key!r}", hint=hint)


def _below(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return next((item for key, item in value.items() if trees.key_text(key) == part), _NONE)
    if isinstance(value, list) and trees.is_index(part) and int(part) < len(value):
        return value[int(part)]
    return _NONE


def _all_keys(value: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield (*before, trees.key_text(key))
            yield from _all_keys(item, (*before, trees.key_text(key)))


def _leaves(given: _Chosen | Mapping[str, Any]) -> list[Leaf]:
    chosen = given if isinstance(given, _Chosen) else _Chosen((), given)
    return list(_walk(chosen.value, chosen.keys))


def _walk(value: Any, keys: tuple[str, ...]) -> Iterator[Leaf]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _walk(item, (*keys, trees.key_text(key)))
    elif keys:
        yield Leaf(keys, value)


def _side(name: str, leaf: Leaf) -> dict[str, Any]:
    return {} if leaf.value is _NONE else {name: _shown(leaf.value, leaf.keys)}


def _as_json(chosen: _Chosen, config: compose.Config, with_origin: bool) -> Any:
    if not with_origin:
        return _shown(chosen.value, chosen.keys)
    made = {
        f"choices.{choice.group}": {"value": choice.value, "origin": choice.origin}
        for choice in _choices(config, chosen.keys)
    }
    return made | {
        ".".join(leaf.keys): {"value": _shown(leaf.value, leaf.keys), "origin": str(config.origin(*leaf.keys))}
        for leaf in _leaves(chosen)
    }


def _yaml(chosen: _Chosen) -> str:
    """A mapping as it is, anything else behind its last key."""
    import yaml

    shown = _shown(chosen.value, chosen.keys)
    if len(chosen.keys) > 1 or not isinstance(shown, dict):
        shown = {chosen.keys[-1]: shown}
    return str(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=120)) if shown else ""


def _text(leaf: Leaf) -> str:
    return "-" if leaf.value is _NONE else tables.value(_shown(leaf.value, leaf.keys))


def _shown(value: Any, keys: tuple[str, ...]) -> Any:
    """A value for people's eyes: secrets masked, passwords taken out of URLs."""
    if isinstance(value, Mapping):
        return {key: _shown(item, (*keys, trees.key_text(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item, keys) for item in value]
    in_entry = keys[:1] == (layers.CATALOG,) and len(keys) > 2 and keys[2] != layers.CREDENTIALS
    if isinstance(value, secret.Secret) or (in_entry and masking.is_secret(keys[-1]) and isinstance(value, str)):
        return secret.MASK
    return masking.url(value) if isinstance(value, str) and "://" in value else value
