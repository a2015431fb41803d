"""The trivial tree as a project of each tool, run as a whole process from the command line."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import environments
import graphs
import timing
from contests import FLOOR, OURS, PEER, Contestant

SCRIPTS = environments.ROOT / "bench" / "scripts"
Words = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Setup:
    """How a tool runs its project: the program, the words for a run, what to delete before a first run, variables."""

    program: Words
    words: Words = ()
    state: Sequence[str] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    done: bool = False  # it holds the state of a finished run already


class Project:
    """The project of one tool, made in `folder` when it is first asked for: so a tool that fails is alone in that."""

    def __init__(self, name: str, folder: Path, count: int) -> None:
        self.name, self.folder, self._count = name, folder, count
        self._ran = False

    @functools.cached_property
    def setup(self) -> Setup:
        self.folder.mkdir(parents=True, exist_ok=True)
        made = BUILDERS[self.name](self.folder, self._count)
        self._ran = made.done
        return made

    def first(self) -> timing.Sample:
        """Time a run after everything that runs made is deleted."""
        for pattern in self.setup.state:
            for path in self.folder.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return self._run()

    def again(self, *more: str) -> timing.Sample:
        """Time a run that follows one just like it."""
        self.settle()
        return self._run(*more)

    def changed(self, edit: Callable[[Path], None]) -> timing.Sample:
        """Time a run after `edit` has changed the folder since the last one."""
        self.settle()
        edit(self.folder)
        return self._run()

    def call(self, *words: str) -> timing.Sample:
        """Time another command of the program on a project that has run."""
        self.settle()
        return timing.process([*self.setup.program, *words], self.folder, self._more)

    def settle(self) -> None:
        _ = self.setup
        if not self._ran:
            self._run()

    def contestant(self, measure: Callable[[], timing.Sample], name: str = "") -> Contestant:
        role = {"tane": OURS, "plain script": FLOOR, "make": FLOOR}.get(self.name, PEER)
        return Contestant(name or self.name, measure, role)

    def _run(self, *more: str) -> timing.Sample:
        found = timing.process([*self.setup.program, *self.setup.words, *more], self.folder, self._more)
        self._ran = True
        return found

    @property
    def _more(self) -> Mapping[str, str]:
        return {"PYTHONPATH": str(SCRIPTS), **self.setup.more}


def make(folder: Path, count: int, *names: str) -> dict[str, Project]:
    """A project of `count` nodes for each of these tools."""
    return {name: Project(name, folder / name.replace(" ", "-"), count) for name in names}


def _tane(folder: Path, count: int) -> Setup:
    (folder / "flow.py").write_text(graphs.tane_flow(count))
    return Setup([environments.ensure("tane").program()], ["run", "flow.py"], [".tane", "tane.lock"])


def _kedro(folder: Path, count: int) -> Setup:
    graphs.kedro_project(folder, count)
    return Setup([environments.ensure("kedro").program()], ["run"], ["data/*"])


def _hamilton(folder: Path, count: int) -> Setup:
    (folder / "nodes.py").write_text(graphs.functions(count))
    more = {"PYTHONPATH": f"{SCRIPTS}:{folder}"}
    return Setup([environments.ensure("hamilton").python], [SCRIPTS / "hamilton_flow.py"], ["cache"], more)


def _dvc(folder: Path, count: int) -> Setup:
    (folder / "dvc.yaml").write_text(graphs.dvc_pipeline(count))
    program, more = environments.ensure("dvc").program(), {"DVC_SITE_CACHE_DIR": str(folder / "site")}
    timing.process([program, "init", "-q", "-f", "--no-scm"], folder, more)
    timing.process([program, "config", "core.check_update", "false"], folder, more)
    long = count > 100
    if long:  # running so many stages takes a quarter of an hour
        graphs.dvc_state(folder, count)
    state = ["v[0-9]*", "dvc.lock", ".dvc/cache", ".dvc/tmp", "site"]
    return Setup([program], ["repro", "-q"], state, more, done=long)


def _luigi(folder: Path, count: int) -> Setup:
    words = ["--module", "luigi_flow", "Value", "--count", str(count), "--local-scheduler", "--log-level", "WARNING"]
    return Setup([environments.ensure("luigi").python, "-m", "luigi"], words, ["v[0-9]*"])


def _snakemake(folder: Path, count: int) -> Setup:
    words = ["--quiet", "all", "--cores", "1", "--config", f"count={count}"]
    shutil.copy(SCRIPTS / "Snakefile", folder)
    more = {"XDG_CACHE_HOME": str(folder / "cache")}
    return Setup([environments.ensure("snakemake").program()], words, ["v[0-9]*", ".snakemake"], more)


def _redun(folder: Path, count: int) -> Setup:
    words: Words = ["--log-level", "ERROR", "run", SCRIPTS / "redun_flow.py", "main", "--count", str(count)]
    return Setup([environments.ensure("redun").program()], words, [".redun"])


def _metaflow(folder: Path, count: int) -> Setup:
    more = {"METAFLOW_USER": "bench", "METAFLOW_HOME": str(folder / "home")}
    words: Words = [SCRIPTS / "metaflow_flow.py", "--quiet", "--no-pylint", "run"]
    return Setup([environments.ensure("metaflow").python], words, [".metaflow"], more)


def _prefect(folder: Path, count: int) -> Setup:
    more = {
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    return Setup([environments.ensure("prefect").python], [SCRIPTS / "prefect_flow.py"], [], more)


def _zenml(folder: Path, count: int) -> Setup:
    more = {
        "ZENML_CONFIG_PATH": str(folder / "conf"),
        "ZENML_LOCAL_STORES_PATH": str(folder / "stores"),
        "ZENML_LOGGING_VERBOSITY": "ERROR",
        "AUTO_OPEN_DASHBOARD": "false",
    }
    return Setup([environments.ensure("zenml").python], [SCRIPTS / "zenml_flow.py"], [], more)


def _plain(folder: Path, count: int) -> Setup:
    (folder / "run.py").write_text(graphs.plain_script(count))
    return Setup([environments.ensure("tane").python], ["run.py"])


def _make(folder: Path, count: int) -> Setup:
    (folder / "Makefile").write_text(graphs.makefile(count))
    return Setup(["make"], ["-s"])


BUILDERS: Mapping[str, Callable[[Path, int], Setup]] = {
    "tane": _tane,
    "kedro": _kedro,
    "hamilton": _hamilton,
    "dvc": _dvc,
    "luigi": _luigi,
    "snakemake": _snakemake,
    "redun": _redun,
    "metaflow": _metaflow,  # the tree of four whatever `count` says, as Prefect and ZenML
    "prefect": _prefect,
    "zenml": _zenml,
    "plain script": _plain,
    "make": _make,
}
