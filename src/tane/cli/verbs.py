"""A command that may be followed by a verb of its own: `tane runs` lists, `tane runs delete` deletes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class WithVerbs(click.Group):
    """The command itself, unless the first word is one of `verbs`: that lives in `tane.cli.<name>_<verb>`, and is
    imported when it is called.
    """

    allow_interspersed_args = True

    def __init__(self, name: str | None = None, *, verbs: Mapping[str, str], home: str, **more: Any) -> None:
        super().__init__(name, invoke_without_command=True, **more)
        self._verbs = verbs
        self._home = home

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command, or of the verb."""
        verb = self.get_command(None, args[0]) if args else None
        if verb is not None:
            return verb.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return click.Command.make_context(self, info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """All words are those of the command."""
        return click.Command.parse_args(self, ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Do the command."""
        return click.Command.invoke(self, ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context | None, cmd_name: str) -> click.Command | None:
        """Import a verb's module and take its `command`."""
        if cmd_name not in self._verbs:
            return None
        found: click.Command = import_module(f"tane.cli.{self._home}_{cmd_name}").command
        return found

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """As those of a command without verbs."""
        return click.Command.collect_usage_pieces(self, ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, and the verbs with one line each, without importing any."""
        click.Command.format_options(self, ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(list(self._verbs.items()))
