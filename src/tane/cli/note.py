"""`tane note`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tane import errors
from tane.cli import choosing, homes, tables
from tane.ledger import connection, read, write

_MOST = 1024 * 1024


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py] RUN [TEXT]")
@click.option("--file", "file", default="", metavar="FILE", help="Take the note from this file; - is standard input.")
@click.option("--edit", is_flag=True, help="Write the note in $EDITOR.")
@click.option("--append", is_flag=True, help="Add to the note instead of replacing it.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's note as JSON.")
@homes.environment
@homes.where
def command(
    given: tuple[str, ...],
    file: str,
    edit: bool,
    append: bool,
    as_json: bool,
    env: tuple[str, ...],
    path: str,
) -> None:
    """Show the note of a run, or write it: Markdown, as long as it needs to be. An empty text removes it.

    \b
    Examples:
      tane note last "smaller rate, no early stopping"
      tane note 20261121-10 --file findings.md
      tane note last
    """
    path, words = choosing.words(given, path)
    if not words:
        raise errors.UsageError("no run is named", hint="tane runs lists those there are")
    if len(words) > 2:
        raise errors.UsageError("the text of a note is one word for the shell", hint="put it in quotes")
    ways = [name for name, used in (("TEXT", len(words) > 1), ("--file", bool(file)), ("--edit", edit)) if used]
    if len(ways) > 1:
        raise errors.UsageError(f"{' and '.join(ways)} exclude each other", hint="choose one of them")
    if append and ways in ([], ["--edit"]):
        raise errors.UsageError("there is nothing to append", hint="give a text, or --file FILE")
    home = homes.find(path, env)
    with homes.ledger_of(home) as looked:
        run = read.run(looked, words[0]).run
        note = read.note(looked, run)
    if ways:
        new = _new(words[1] if len(words) > 1 else None, file, note)
        if append and note:
            new = f"{note.rstrip()}\n\n{new}"
        if new != note:
            ledger = connection.open_ledger(home.ledger)
            try:
                write.set_note(ledger, run, new)
            finally:
                ledger.close()
        note = new
    if as_json:
        click.echo(tables.as_json({"run": run, "note": note}))
    elif ways:
        click.echo(
            f"run {run}: " + (f"noted {tables.count(len(note), 'character')}" if note else "the note is removed")
        )
    elif note:
        click.echo(tables.visible(note.rstrip("\n"), "\n\t"))
    else:
        click.echo(f"run {run} has no note", err=True)


def _new(text: str | None, file: str, note: str) -> str:
    """The note to be written."""
    if text is not None:
        return text.strip()
    if not file:
        try:
            found = click.edit(note, extension=".md")
        except click.ClickException as error:
            raise errors.UsageError(error.message, hint="set EDITOR to an editor, or use --file FILE") from None
        return note if found is None else found.strip()
    try:
        data = sys.stdin.buffer.read(_MOST + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise errors.UsageError(f"cannot read {file!r}: {error.strerror}", hint="name a file of text") from None
    if len(data) > _MOST:
        raise errors.UsageError(f"{file!r} is larger than 1 MB", hint="log it as an artifact: tane.log_artifact")
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise errors.UsageError(f"{file!r} is no UTF-8 text", hint="save it as UTF-8") from None
