"""A script's function once for each combination of some values: `python train.py -m model.lr=0.1,0.2`.

The sweep is one of the ledger, as those of pipelines are; each job is a run. A job has a folder of its own with its
configuration, what it printed and its result. One that fails stops no other. Called by `commanding`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.config import compose
from tane.config import sweeping as expanding
from tane.ledger import connection, leases, records, studies
from tane.outcomes import TrialState
from tane.pipeline.drawing import wording
from tane.scripts import performing
from tane.tracking import places
from tane.tuning import sweep_points, sweep_records

_JOB = "TANE_SCRIPT_JOB"  # tells a process of its own which job it does
_OUTCOME, _SUMMARY = "job.json", "summary.csv"
Tell = Callable[[str], None]


@fielded.frozen
class Asked:
    """How a sweep is done: where its folders go, how many jobs at once, and which earlier one it goes on with."""

    name: str
    experiment: str = ""
    params: str = ""
    folders: Path = Path("multirun")
    jobs: int = 1
    resume: str = ""


@fielded.frozen
class Job:
    """One job: its number, its overrides, the values that are its own, and its folder."""

    number: int
    overrides: tuple[str, ...]
    values: Mapping[str, Any]
    folder: Path

    @property
    def text(self) -> str:
        """Its number and what is its own."""
        said = " ".join(f"{name}={_cell(value)}" for name, value in self.values.items())
        return f"#{self.number} {said}".rstrip()


@fielded.frozen
class Outcome:
    """How a job ended."""

    job: Job
    status: str
    seconds: float = 0.0
    run: str = ""
    error: str = ""
    numbers: Mapping[str, float] = fielded.field(default_factory=dict)
    result: Any = None


@fielded.frozen
class Sweep:
    """A sweep that was done: its id, its folder and how each job ended."""

    id: str
    folder: Path
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> int:
        """How many jobs failed."""
        return sum(each.status == sweep_records.FAILED for each in self.outcomes)

    @property
    def results(self) -> dict[int, Any]:
        """What the function returned, by the number of the job."""
        return {each.job.number: each.result for each in self.outcomes if each.status == sweep_records.SUCCEEDED}


def sweep(script: performing.Script, words: Sequence[str], asked: Asked, tell: Tell) -> Sweep:
    """Do every job that has not succeeded yet. Raises `errors.UsageError` or `errors.ConfigError` before any begins."""
    files = script.files(asked.params)
    ledger = connection.open_ledger(places.here().ledger)
    try:
        study, jobs = _resumed(ledger, words, asked) if asked.resume else _new(ledger, script, files, words, asked)
        configs = {job.number: files.compose(job.overrides) for job in jobs}
        return _Sweeping(script, ledger, study, jobs, configs, asked, tell).run()
    finally:
        ledger.close()


def _new(
    ledger: connection.Ledger, script: performing.Script, files: performing.Files, words: Sequence[str], asked: Asked
) -> tuple[studies.Study, list[Job]]:
    found = sweep_points.of_jobs(expanding.expand(words, options=files.options))
    _check(files, found.points)
    name = records.new_run_id()
    spec = sweep_records.Spec(
        pipeline=script.file.name if script.file is not None else asked.name,
        selection={},
        environments=(),
        overrides=(),
        jobs=tuple(point.overrides for point in found.points),
        metrics={},
        like="",
        basis="",
        pins="",
        experiment=asked.experiment,
        params=asked.params,
    )
    study = studies.open_study(
        ledger, name, kind=sweep_records.KIND, spec=fielded.asdict(spec), total=len(found.points)
    )
    studies.enqueue(ledger, study, [point.values for point in found.points])
    folder = _folder(asked.folders, name)
    return study, [Job(each.number, each.overrides, each.values, folder / str(each.number)) for each in found.points]


def _check(files: performing.Files, points: Iterable[sweep_points.Point]) -> None:
    """Raise all mistakes in the configurations of these points, each once."""
    faults: dict[errors.Fault, None] = {}
    for point in points:
        try:
            files.compose(point.overrides)
        except errors.TaneError as error:
            faults.update(dict.fromkeys(error.faults))
    if faults:
        raise errors.ConfigError.of(list(faults), "the sweep cannot start")


def _resumed(ledger: connection.Ledger, words: Sequence[str], asked: Asked) -> tuple[studies.Study, list[Job]]:
    if words:
        hint = f"leave {' '.join(words)} out, or begin a new sweep"
        raise errors.UsageError("a sweep goes on with the values it has", hint=hint)
    study = sweep_records.find(ledger, asked.resume)
    spec = sweep_records.Spec.of(study)
    studies.requeue(ledger, study, [TrialState.FAILED])
    folder = _folder(asked.folders, study.name)
    waiting = studies.trials(ledger, study, [TrialState.WAITING, TrialState.RUNNING])
    jobs = [Job(each.number, spec.jobs[each.number], each.point, folder / str(each.number)) for each in waiting]
    return study, jobs


def _folder(folders: Path, sweep: str) -> Path:
    """FOLDERS/DATE/TIME of when a sweep began, as its id has it; another one for a second sweep in one second."""
    day, clock, rest = sweep.split("-", 2)
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    time = f"{clock[:2]}-{clock[2:4]}-{clock[4:]}"
    place = folders.absolute() / date / time
    named = place / ".sweep"
    try:
        place.mkdir(parents=True)
        named.write_text(sweep, encoding="utf-8")
    except FileExistsError:
        if not named.is_file() or named.read_text(encoding="utf-8") != sweep:
            place = place.with_name(f"{time}-{rest}")
            place.mkdir(parents=True, exist_ok=True)
    return place


class _Sweeping:
    """How far a sweep is."""

    def __init__(
        self,
        script: performing.Script,
        ledger: connection.Ledger,
        study: studies.Study,
        jobs: Sequence[Job],
        configs: Mapping[int, compose.Config],
        asked: Asked,
        tell: Tell,
    ) -> None:
        self._script = script
        self._ledger = ledger
        self._study = study
        self._jobs = jobs
        self._configs = configs
        self._asked = asked
        self._tell = tell
        self._held: dict[int, studies.Trial] = {}
        self._outcomes: list[Outcome] = []
        self.folder = jobs[0].folder.parent if jobs else Path()

    def run(self) -> Sweep:
        """Do the jobs, one after the other or several at once."""
        if not self._jobs:
            jobs = "its job" if self._study.total == 1 else f"all {self._study.total} jobs"
            self._tell(f"sweep {self._study.name}: nothing to do, {jobs} succeeded before")
            return Sweep(self._study.name, self.folder, ())
        self._tell(f"sweep {self._study.name}: {wording.count(len(self._jobs), 'job')} in {_shown(self.folder)}")
        with self._alive():
            try:
                if self._asked.jobs == 1:
                    self._in_turn()
                else:
                    self._at_once()
            except KeyboardInterrupt:
                for trial in self._held.values():
                    studies.release(self._ledger, trial)
                resume = f"python {self._script.file.name if self._script.file else 'script.py'}"
                self._tell(f"interrupted; the rest: {resume} -m --resume {self._study.name}")
                raise
        self._outcomes.sort(key=lambda each: each.job.number)
        self._summary()
        return Sweep(self._study.name, self.folder, tuple(self._outcomes))

    def _claim(self, job: Job) -> studies.Trial | None:
        trial = studies.take(self._ledger, self._study, job.number, f"{os.uname().nodename}:{os.getpid()}")
        if trial is not None:
            self._held[job.number] = trial
            job.folder.mkdir(parents=True, exist_ok=True)
        return trial

    def _in_turn(self) -> None:
        for job in self._jobs:
            if self._claim(job) is None:
                continue
            self._tell(f"\n{job.text}")
            asked = performing.Asked(
                sweep_records.name_of_run(self._study.name, job.number),
                self._asked.experiment,
                self._study.name,
                job.number,
            )
            ran = performing.perform(self._script, self._configs[job.number], asked, self._tell, job.folder)
            if isinstance(ran.error, KeyboardInterrupt):
                raise ran.error
            self._ended(_outcome(job, ran))

    def _at_once(self) -> None:
        """Each job in a process of its own, so many at a time."""
        waiting = list(self._jobs)
        going: list[tuple[Job, subprocess.Popen[bytes]]] = []
        try:
            while waiting or going:
                while waiting and len(going) < self._asked.jobs:
                    job = waiting.pop(0)
                    if self._claim(job) is not None:
                        self._tell(job.text)
                        going.append((job, self._start(job)))
                ended = _first_ended([process for _, process in going])
                for job, process in [each for each in going if each[1] is ended]:
                    going.remove((job, process))
                    self._ended(_told_by_child(job, process.returncode))
        finally:
            for _, process in going:
                process.terminate()
            for _, process in going:
                process.wait()

    def _start(self, job: Job) -> subprocess.Popen[bytes]:
        count = len(sys.argv) - 1
        command = [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - count], *job.overrides]
        if self._asked.params:
            command += ["--params", self._asked.params]
        told = {"study": self._study.name, "trial": job.number, "folder": str(job.folder)}
        told["experiment"] = self._asked.experiment
        (job.folder / _OUTCOME).unlink(missing_ok=True)
        return subprocess.Popen(
            command,
            env={**os.environ, _JOB: json.dumps(told)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _ended(self, outcome: Outcome) -> None:
        trial = self._held.pop(outcome.job.number)
        state = TrialState.COMPLETE if outcome.status == sweep_records.SUCCEEDED else TrialState.FAILED
        studies.finish(self._ledger, trial, state, run=outcome.run, error=outcome.error)
        self._outcomes.append(outcome)
        if self._asked.jobs > 1:
            said = outcome.error or ", ".join(f"{name} = {value:.6g}" for name, value in outcome.numbers.items())
            self._tell(f"{outcome.status:<9} #{outcome.job.number} {wording.duration(outcome.seconds)} {said}".rstrip())

    @contextmanager
    def _alive(self) -> Any:
        """Show others that the jobs at hand are being worked on."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(leases.LEASE / 6):
                try:
                    studies.renew(self._ledger, list(self._held.values()))
                except errors.TaneError:  # the place failed: whoever writes next tells
                    return

        thread = threading.Thread(target=renew, name="tane-sweep", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _summary(self) -> None:
        """A table of all jobs, here and as a file in the sweep's folder."""
        rows = table(self._outcomes)
        (self.folder / _SUMMARY).write_text(_csv(rows), encoding="utf-8")
        self._tell("")
        for line in _aligned(rows):
            self._tell(line)
        failed = sum(each.status == sweep_records.FAILED for each in self._outcomes)
        bad = f", {failed} failed" if failed else ""
        done = f"{len(self._outcomes) - failed} of {wording.count(len(self._outcomes), 'job')} succeeded{bad}"
        self._tell(f"{done}; sweep {self._study.name}")


def _outcome(job: Job, ran: performing.Ran) -> Outcome:
    failed = ran.exit_code != 0
    return Outcome(
        job,
        sweep_records.FAILED if failed else sweep_records.SUCCEEDED,
        ran.seconds,
        ran.id,
        ran.said,
        {} if failed else performing.numbers(ran.result),
        ran.result,
    )


# --- a job in a process of its own --------------------------------------------------------------------------------


def job_of_parent() -> Mapping[str, Any] | None:
    """What the sweep that started this process says of its job; None when none did."""
    said = os.environ.pop(_JOB, "")
    found: Mapping[str, Any] | None = json.loads(said) if said else None
    return found


def perform_for_parent(script: performing.Script, config: compose.Config, job: Mapping[str, Any]) -> performing.Ran:
    """Do the one job of this process, and leave word of how it ended."""
    folder = Path(job["folder"])
    asked = performing.Asked(
        sweep_records.name_of_run(job["study"], job["trial"]), job["experiment"], job["study"], job["trial"]
    )
    ran = performing.perform(script, config, asked, folder=folder)
    told = {
        "run": ran.id,
        "seconds": ran.seconds,
        "error": ran.said,
        "failed": ran.exit_code != 0,
        "numbers": performing.numbers(ran.result),
    }
    target = folder / _OUTCOME
    target.with_suffix(".part").write_text(json.dumps(told), encoding="utf-8")
    target.with_suffix(".part").replace(target)
    return ran


def _told_by_child(job: Job, code: int) -> Outcome:
    try:
        told = json.loads((job.folder / _OUTCOME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        how = f"it was killed by signal {-code}" if code < 0 else f"its process ended with code {code}"
        return Outcome(job, sweep_records.FAILED, error=how)
    (job.folder / _OUTCOME).unlink()
    status = sweep_records.FAILED if told["failed"] else sweep_records.SUCCEEDED
    result = job.folder / f"{performing.RESULT}.json"
    value = json.loads(result.read_text(encoding="utf-8")) if result.is_file() and not told["failed"] else None
    return Outcome(job, status, told["seconds"], told["run"], told["error"], told["numbers"], value)


def _first_ended(processes: Sequence[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Wait for one of some processes to end."""
    pause = threading.Event()
    while True:
        for process in processes:
            if process.poll() is not None:
                return process
        pause.wait(0.005)


# --- tables -----------------------------------------------------------------------------------------------------------


def table(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """The jobs, one a row, below a header."""
    keys = list(dict.fromkeys(name for each in outcomes for name in each.job.values))
    numbers = list(dict.fromkeys(name for each in outcomes for name in each.numbers))
    header = ["job", *keys, "status", "took", *numbers, "run"]
    rows = [
        [
            f"#{each.job.number}",
            *(_cell(each.job.values[key]) if key in each.job.values else "" for key in keys),
            each.status,
            wording.duration(each.seconds),
            *(f"{each.numbers[name]:.6g}" if name in each.numbers else "" for name in numbers),
            each.run,
        ]
        for each in outcomes
    ]
    return [header, *rows]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    shown = [[wording.visible(cell) for cell in row] for row in rows]
    widths = [max(wording.cells(cell) for cell in column) for column in zip(*shown, strict=True)]
    for row in shown:
        padded = (cell + " " * (width - wording.cells(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _csv(rows: Sequence[Sequence[str]]) -> str:
    import csv
    import io

    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return wording.shorten(text, 40)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
