"""`tane show`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from tane import errors
from tane.catalog import masking
from tane.cli import facts, homes, laying, lineage, overview, tables
from tane.ledger import connection, read, records

_LOG = "log.jsonl"
_ASKED = (
    ("pipelines", "--pipelines"),
    ("lineage", "--lineage"),
    ("artifacts", "--artifacts"),
    ("log", "--log"),
    ("diff", "--diff"),
    ("config", "--config"),
)


@click.command()
@click.argument("given", nargs=-1, metavar="[FLOW.py] [RUN]")
@click.option("--pipelines", is_flag=True, help="The pipelines with their nodes.")
@click.option("--lineage", "of", default="", metavar="NAME", help="Where a dataset or digest came from; NAME@RUN too.")
@click.option("--artifacts", default=None, metavar="DIR", type=click.Path(path_type=Path), help="Lay out a run in DIR.")
@click.option("--log", is_flag=True, help="A run's log.")
@click.option("--diff", is_flag=True, help="The uncommitted changes a run was made with.")
@click.option("--config", is_flag=True, help="The configuration a run had, with what it took from elsewhere.")
@click.option("-e", "--env", "env", multiple=True, help="Environments, for the project and for runs kept apart.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@homes.where
def command(
    given: tuple[str, ...],
    pipelines: bool,
    of: str,
    artifacts: Path | None,
    log: bool,
    diff: bool,
    config: bool,
    env: tuple[str, ...],
    as_json: bool,
    path: str,
) -> None:
    """Show the project, or one run: RUN is the beginning of its id, or "last".

    \b
    Examples:
      tane show                            the project, its pipelines and data
      tane show last                       the newest run, with all it made
      tane show 20261121 --artifacts out   that run's results as a folder
      tane show --lineage model            what model was made from, back to the sources
    """
    path, prefix = homes.words(given, path, "run")
    asked = {"pipelines": pipelines, "lineage": of, "artifacts": artifacts, "log": log, "diff": diff, "config": config}
    _check(asked, prefix)
    if pipelines or not (prefix or any(asked.values())):
        _project(path, env, pipelines, as_json)
        return
    home = homes.find(path, env)
    with homes.ledger_of(home) as ledger:
        if of:
            found = lineage.trace(ledger, of, home.root)
            click.echo(tables.as_json(lineage.as_dicts(found)) if as_json else lineage.text(found))
            return
        run = _run(ledger, prefix or "last")
        if artifacts is not None:
            _lay_out(ledger, home, run, artifacts, as_json)
        elif log:
            _log(home, run, as_json)
        elif diff:
            _diff(home, run, as_json)
        elif config:
            _config(run, as_json)
        else:
            known = facts.whole(ledger, run)
            click.echo(tables.as_json(known) if as_json else run_text(known))


def _check(asked: dict[str, Any], prefix: str) -> None:
    given = [flag for name, flag in _ASKED if asked[name]]
    if len(given) > 1:
        raise errors.UsageError(f"{' and '.join(given)} exclude each other", hint="ask for one of them")
    if prefix and (asked["pipelines"] or asked["lineage"]):
        raise errors.UsageError(
            f"{given[0]} takes no run beside it",
            hint=f"a dataset as that run had it: --lineage NAME@{prefix}" if asked["lineage"] else "leave the run away",
        )


def _project(path: str, env: tuple[str, ...], pipelines: bool, as_json: bool) -> None:
    known = overview.gather(path, tuple(part for each in env for part in each.split(",") if part))
    if as_json:
        click.echo(tables.as_json(known["pipelines"] if pipelines else known))
    else:
        click.echo(overview.pipelines_text(known) if pipelines else overview.text(known))


def _run(ledger: connection.Ledger, prefix: str) -> records.RunRecord:
    """The run asked for; a dataset's name gets the way to datasets as a hint."""
    try:
        return read.run(ledger, prefix)
    except errors.UsageError as error:
        if prefix not in read.names(ledger):
            raise
        raise errors.UsageError(
            error.what, hint=f"{prefix} is a dataset: tane log {prefix}, or tane show --lineage {prefix}"
        ) from None


# --- one run --------------------------------------------------------------------------------------------------------


def run_text(run: dict[str, Any]) -> str:
    """All that is known of a run, as a page."""
    head = tables.table([(word, text) for word, text in _head(run).items() if text])
    parts = [
        head,
        tables.section("parameters", tables.values(run["params"])),
        tables.section("parameters by default", tables.values(run["default_params"])),
        tables.section("logged parameters", tables.values(run["logged_params"])),
        tables.section("metrics", _metrics(run["metrics"])),
        tables.section("steps", _steps(run["steps"])),
        tables.section("inputs", _datasets(run["inputs"])),
        tables.section("outputs", _datasets(run["outputs"])),
        tables.section("artifacts", _artifacts(run["artifacts"])),
        tables.section("configuration from elsewhere", _elsewhere(run["config_sources"])),
        tables.section("nested runs", _children(run["children"])),
        tables.section("tags", tables.values(run["tags"])),
        tables.section("note", tables.visible(run["note"].rstrip("\n"), "\n\t")),
        tables.section("error", run["error"]),
    ]
    return "\n".join(part for part in parts if part)


def _head(run: dict[str, Any]) -> dict[str, str]:
    git = facts.git(run["git"])
    if run["git"].get("diff"):
        git += f" (tane show {run['id']} --diff)"
    chosen = "; ".join(f"{name.replace('_', ' ')} {', '.join(names)}" for name, names in run["selection"].items())
    unpublished = not run["published"] and run["kind"] not in (records.WINDOW, records.BACKFILL)
    why = "" if run["study"] else ": another run was publishing"  # points of a sweep or study never do
    place = f"kept in the store only{why}" if unpublished and run["kind"] != "script" else ""
    return {
        "run": run["id"],
        "name": run["name"],
        "status": run["status"],
        "started": f"{tables.local(run['started'])}, took {tables.duration(run['seconds'])}",
        "pipeline": run["pipeline"] or "(script)",
        "experiment": run["experiment"],
        "group": run["group"],
        "job type": run["job_type"],
        "study": run["study"] + (f", trial {run['trial']}" if run["trial"] is not None else ""),
        "parent": run["parent"],
        "deleted": f"{tables.local(run['deleted'])} (tane runs restore {run['id']})" if run["deleted"] else "",
        "part": chosen,
        "chosen": ", ".join(f"{group}={_option(option)}" for group, option in run["choices"].items()),
        "params": run["params_file"],
        "command": shlex.join(run["command"]),
        "git": git,
        "by": f"{run['user']} on {run['host']}, Python {run['python']}",
        "results": place,
    }


def _option(option: Any) -> str:
    return "null" if option is None else str(option) if isinstance(option, str) else f"[{','.join(map(str, option))}]"


def _elsewhere(sources: list[dict[str, Any]]) -> str:
    rows = [(each["place"], tables.digest(each["digest"]), tables.size(len(each["content"]))) for each in sources]
    return tables.table(rows, right={2}, indent="  ")


def _children(found: list[dict[str, Any]]) -> str:
    rows = [(each["id"], each["name"], each["status"], tables.duration(each["seconds"])) for each in found]
    return tables.table(rows, right={3}, indent="  ")


def _metrics(metrics: dict[str, dict[str, float]]) -> str:
    rows = [
        [name, *(tables.number(metric[key]) for key in ("last", "min", "max")), str(metric["count"])]
        for name, metric in metrics.items()
    ]
    return tables.table(rows, ("", "last", "min", "max", "points"), right={1, 2, 3, 4}, indent="  ") if rows else ""


def _steps(steps: list[dict[str, Any]]) -> str:
    rows = []
    for step in steps:
        worked = step["status"] in ("succeeded", "failed")
        why = "; ".join(step["reasons"]) or (f"from run {step['origin']}" if step["origin"] else "")
        error = step["error"].splitlines()[0] if step["error"] else ""
        rows.append(
            (
                step["node"],
                step["status"],
                tables.duration(step["seconds"]) if worked else "",
                tables.duration(step["cpu"]) if worked else "",
                tables.size(step["peak_memory"]) if step["peak_memory"] else "",
                f"{why}: {error}" if why and error else why or error,
            )
        )
    header = ("", "status", "time", "cpu", "memory", "why")
    return tables.table(rows, header, right={2, 3, 4}, indent="  ") if rows else ""


def _datasets(found: list[dict[str, Any]]) -> str:
    rows = [
        (each["name"], tables.digest(each["digest"]), tables.size(each["bytes"]), each.get("node", ""))
        for each in found
    ]
    return tables.table(rows, right={2}, indent="  ")


def _artifacts(found: list[dict[str, Any]]) -> str:
    rows = [(each["path"], tables.digest(each["digest"]), tables.size(each["bytes"]), each["kind"]) for each in found]
    return tables.table(rows, right={2}, indent="  ")


def _lay_out(ledger: connection.Ledger, home: homes.Home, run: records.RunRecord, folder: Path, as_json: bool) -> None:
    target = laying.check_target(folder)
    with homes.store_of(home) as store:
        laid = laying.lay_out(run, target, laying.Parts(ledger, store, home.root, home.source, _log_of(home, run)))
    if as_json:
        known = {"run": run.run, "folder": str(target), "placed": laid.placed, "left_out": laid.left_out}
        click.echo(tables.as_json(known))
        return
    click.echo(f"run {run.run}: {tables.count(laid.placed, 'result')} in {folder}")
    for why in laid.left_out:
        click.echo(f"  left out: {why}", err=True)


def _config(run: records.RunRecord, as_json: bool) -> None:
    """The configuration as it was recorded: values, then files from elsewhere as they were."""
    import yaml

    asked = run.config.get("asked") or {}
    sections = {name: _masked(values, name) for name, values in run.config.items() if name != "asked"}
    if not sections and not asked:
        raise errors.UsageError(f"run {run.run} has no configuration", hint="only runs of a pipeline have one")
    if as_json:
        click.echo(tables.as_json({"run": run.run, **asked, "sections": sections}))
        return
    if sections:
        click.echo(yaml.safe_dump(sections, sort_keys=False, allow_unicode=True, width=120), nl=False)
    for each in asked.get("sources") or ():
        click.echo(f"\n# {each['place']} ({tables.digest(each['digest'])})")
        click.echo(tables.visible(each["content"].rstrip("\n"), "\n\t"))


def _masked(value: Any, *keys: str) -> Any:
    """A value as it may be shown: passwords taken out of URLs, and what an entry of the catalog calls secret."""
    if isinstance(value, dict):
        return {key: _masked(each, *keys, str(key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, *keys) for each in value]
    if not isinstance(value, str):
        return value
    if keys[0] == "catalog" and len(keys) > 2 and keys[2] != "credentials" and masking.is_secret(keys[-1]):
        return masking.MASK
    return masking.url(value) if "://" in value else value


def _log_of(home: homes.Home, run: records.RunRecord) -> Path:
    return home.work / "runs" / run.run / _LOG


def _log(home: homes.Home, run: records.RunRecord, as_json: bool) -> None:
    file = _log_of(home, run)
    if not file.is_file():
        hint = "only runs of a pipeline write one" if run.kind != "run" else f"its file {file} was deleted"
        raise errors.UsageError(f"run {run.run} has no log", hint=hint)
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            click.echo(line.rstrip("\n") if as_json else log_line(line))


def log_line(line: str) -> str:
    """One line of a run's log for people: its time, its node, what happened."""
    import json

    try:
        said = json.loads(line)
        at = tables.when(said.pop("at"))
    except (ValueError, KeyError, AttributeError, TypeError):  # cut short by a crash
        return line.rstrip("\n")
    said.pop("run", None)
    event, node = said.pop("event", ""), said.pop("node", "")
    if event in ("log", "notice"):
        event = " ".join(str(said.pop(key)) for key in ("level", "logger", "message") if said.get(key))
    rest = ", ".join(f"{key} {_plain(value)}" for key, value in said.items())
    return f"{at}  {node + ': ' if node else ''}{event}" + (f" ({rest})" if rest else "")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{count} {key}" for key, count in value.items())
    return str(value)


def _diff(home: homes.Home, run: records.RunRecord, as_json: bool) -> None:
    digest = run.git.get("diff", "")
    data = b""
    if digest:
        with homes.store_of(home) as store:
            data = store.read(digest)
    if as_json:
        known = {"run": run.run, "git": dict(run.git), "diff": data.decode("utf-8", "replace")}
        click.echo(tables.as_json(known))
    elif data:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        clean = "had no uncommitted changes" if run.git else "was not made in a Git repository"
        click.echo(f"run {run.run} {clean}", err=True)
