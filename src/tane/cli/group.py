"""The verbs, imported when they are called, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from tane import errors

_VERBS = {
    "new": "make a project from a starter, or add a pipeline to one",
    "run": "run a pipeline: what changed is run, the rest reused",
    "sweep": "run a pipeline for each combination of some values",
    "tune": "search for the best parameters of a pipeline",
    "backfill": "run a pipeline for each hour, day or month of a range",
    "plan": "say what a run would do, and why",
    "status": "say whether anything changed since the last run",
    "show": "show a run, or what a project has",
    "log": "the history of runs, or of one dataset",
    "graph": "draw a pipeline",
    "runs": "list, filter, delete, export and import runs",
    "compare": "say how runs differ: parameters, metrics, code, data, environment",
    "tag": "set or remove tags of a run",
    "note": "show or write the note of a run",
    "adopt": "bring a run's configuration into the working tree",
    "notebook": "turn the tagged cells of a notebook into nodes",
    "data": "the datasets of a project: list, describe, verify, collect",
    "config": "the composed configuration, and where its values come from",
    "doctor": "look for what is not as it should be",
    "debug": "do a failed step again, on its inputs, in the debugger",
}


class Verbs(click.Group):
    """A group whose commands live in `tane.cli.<verb>`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order a newcomer needs them."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and take its `command`."""
        if cmd_name not in _VERBS:
            return None
        command: click.Command = import_module(f"tane.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """An unknown verb gets the nearest one offered."""
        if args and args[0] not in _VERBS and not args[0].startswith("-"):
            hint = errors.did_you_mean(args[0], _VERBS, "tane --help lists the commands")
            raise errors.UsageError(f"there is no command {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with one line each, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.command(cls=Verbs, context_settings=CONTEXT)
@click.version_option(package_name="tane", prog_name="tane", message="%(prog)s %(version)s")
def tane() -> None:
    """Git for what pipelines make: run only what changed, keep every value with its lineage.

    \b
    Start:   tane new my_project && cd my_project && tane run
    Or:      tane run flow.py          (a pipeline in one file, no project needed)

    Every command has --help with an example, and --json for programs.
    """


def execute(arguments: Sequence[str], command: click.Command | None = None, name: str = "tane") -> int:
    """Run a command, `tane` unless another is given; its exit code. Errors are told on standard error, once, without
    our own frames.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = (command or tane).main(list(arguments), prog_name=name, standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return errors.InterruptedRun.exit_code
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.format_message())
        return errors.UsageError.exit_code
    except click.ClickException as fault:
        _tell_usage(fault)
        return errors.UsageError.exit_code
    except errors.TaneError as error:
        tell(error)
        return error.exit_code
    except BrokenPipeError:  # the reader (head, less) has seen enough
        _discard_output()
        return 0
    except OSError as error:
        _discard_output()
        place = error.filename or "standard output"
        click.echo(
            f"error: cannot write to {place}: {error.strerror}\n  hint: make room there, then try again", err=True
        )
        return errors.PlaceError.exit_code
    except ValueError:
        if not sys.stdout.closed:
            raise
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - user code closed it: there is nobody to tell any more
        return 0


def _discard_output() -> None:
    """What is still buffered goes nowhere, so that ending the process raises nothing more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(error: errors.TaneError) -> None:
    """Say what went wrong: the user's frames first where their code raised, then what, where and what to do."""
    if isinstance(error, errors.UserCodeError) and error.traceback:
        click.echo(error.traceback.rstrip() + "\n", err=True)
    click.echo(f"error: {error}", err=True)


def _tell_usage(fault: click.ClickException) -> None:
    context = getattr(fault, "ctx", None)
    command = context.command_path if context is not None else "tane"
    click.echo(f"error: {fault.format_message()}\n  hint: {command} --help shows how it is used", err=True)


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
