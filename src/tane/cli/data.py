"""`tane data`: the datasets of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from tane import errors
from tane.cli import glimpse, holdings, homes, tables

_UNKNOWN = "unknown"


_LATER = {
    "gc": "throw away objects that nothing names",
    "verify": "compare every object with its digest",
}


class _Verbs(click.Group):
    """A group some of whose commands live in `tane.cli.data_<verb>`, and are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those defined here, then the others."""
        return [*super().list_commands(ctx), *_LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of those defined here, or import the verb's module and take its `command`."""
        if cmd_name not in _LATER:
            return super().get_command(ctx, cmd_name)
        found: click.Command = import_module(f"tane.cli.data_{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with one line each, without importing any."""
        here = [(name, each.get_short_help_str()) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl([*sorted(here), *_LATER.items()])


@click.group(cls=_Verbs)
def command() -> None:
    """The datasets of a project: what they are, where they lie, who makes them; and what is kept of them.

    \b
    Examples:
      tane data list
      tane data describe model
      tane data gc
      tane data verify
    """


def _with_project(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which project, and with which environments."""
    return click.option(
        "-e", "--env", "env", multiple=True, help="Configuration environments, in order; repeat or use commas."
    )(homes.where(verb))


@command.command("list", short_help="list every dataset")
@click.argument("given", nargs=-1, metavar="[FLOW.py]")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@_with_project
def list_(given: tuple[str, ...], env: tuple[str, ...], path: str, as_json: bool) -> None:
    """List every dataset: its type, its place, its version, when it was written, the node that makes it.

    Those that only pipelines name have no entry in the catalog: their values are kept by Tane alone.

    \b
    Example:
      tane data list --json
    """
    path, word = homes.words(given, path, "list")
    if word:
        raise errors.UsageError(f"{word!r} is no flow file", hint=f"one dataset: tane data describe {word}")
    found = holdings.listing(holdings.look(path, homes.split(env)))
    _tell(found["notes"])
    click.echo(tables.as_json(found) if as_json else _list_text(found))


@command.command("describe", short_help="say all that is known of one dataset")
@click.argument("given", nargs=-1, metavar="[FLOW.py] NAME")
@click.option("--no-preview", "blind", is_flag=True, help="Do not load it for a look.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@_with_project
def describe(given: tuple[str, ...], env: tuple[str, ...], path: str, blind: bool, as_json: bool) -> None:
    """Say all that is known of one dataset, or of a factory, with a look at its first rows.

    \b
    Examples:
      tane data describe model
      tane data describe "{name}_features"
    """
    path, name = homes.words(given, path, "dataset")
    if not name:
        raise errors.UsageError("a dataset's name is missing", hint="tane data list shows those there are")
    found = holdings.describe(holdings.look(path, homes.split(env)), name, preview=not blind)
    _tell(found["notes"])
    if as_json:
        click.echo(tables.as_json(found))
    else:
        click.echo(_factory_text(found) if "pattern" in found else _text(found))


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        click.echo(f"warning: {note}", err=True)


def _list_text(found: Mapping[str, Any]) -> str:
    rows = [
        (
            each["name"],
            each["type"] or "(no entry)",
            each["place"],
            each["layer"],
            tables.digest(each["version"]) if each["version"] else "",
            tables.local(each["written"]),
            _UNKNOWN if each["producer"] is None else each["producer"],
        )
        for each in found["datasets"]
    ]
    header = ("name", "type", "place", "layer", "version", "written", "made by")
    parts = [tables.table(rows, header)] if rows else ["no datasets: neither the catalog nor a pipeline names one"]
    made = [(f"  {each['pattern']}", ", ".join(each["matches"]) or "nothing") for each in found["factories"]]
    parts += ["\nfactories, and what comes out of them", tables.table(made)] if made else []
    return "\n".join(parts)


def _factory_text(found: Mapping[str, Any]) -> str:
    head = {"factory": found["pattern"], "matches": ", ".join(found["matches"]) or "no dataset of a pipeline"}
    return tables.table(list(head.items())) + "\n" + tables.section("entry", tables.values(found["entry"]))


def _text(found: Mapping[str, Any]) -> str:
    unknown = found["consumers"] is None
    consumers = _UNKNOWN if unknown else ", ".join(found["consumers"]) or "nobody"
    producer = _UNKNOWN if found["producer"] is None else found["producer"] or "no node: it is a source"
    there = "" if found["exists"] is not False else " (not there)"
    head = {
        "dataset": found["name"],
        "type": found["type"] or "(no entry: kept by Tane alone)",
        "place": f"{found['place']}{there}" if found["place"] else "",
        "layer": found["layer"],
        "entry": found["where"],
        "factory": found["factory"],
        "credentials": found["credentials"] or "",
        "refresh": found["refresh"] or "",
        "keep": found["keep"] or "",
        "made by": producer,
        "taken by": consumers,
        "pipelines": ", ".join(found["pipelines"] or ()),
        "written": tables.local(found["written"]),
        "size": "" if found["bytes"] is None else tables.size(found["bytes"]),
        "digest": found["version"],
        "versions": _versions(found),
    }
    parts = [tables.table([(word, said) for word, said in head.items() if said])]
    checks = found["checks"]
    if checks:
        named = checks if isinstance(checks, Mapping) else {str(at): each for at, each in enumerate(checks, 1)}
        parts.append(tables.section("checks", tables.values(named)))
    for title in ("load_args", "save_args", "options", "settings", "metadata"):
        parts.append(tables.section(title.replace("_", " "), tables.values(found[title] or {})))
    if found["preview"] is not None:
        parts.append(tables.section("preview", glimpse.text(found["preview"])))
    return "\n".join(part for part in parts if part)


def _versions(found: Mapping[str, Any]) -> str:
    if not found["versions"]:
        return "none on record"
    return f"{found['versions']}, the last since {tables.local(found['since'])} (run {found['run']})"
