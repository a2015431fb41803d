"""Real work: the fraud starter by Tane, the same node functions by Kedro, and by a plain script that saves the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import environments
import graphs
import timing
from contests import FLOOR, OURS, Case, Contestant

Measure = Callable[[], timing.Sample]

SCRIPT = environments.ROOT / "bench/scripts/fraud_plain.py"
DATA = "data/01_raw/creditcard_sample.csv.gz"
LEARNING, ALARMS = "model.neural_network.learning_rate", "evaluation.false_alarm_rate"


def cases(folder: Path) -> list[Case]:
    ours = _Tane(folder / "tane")
    kedro = _Kedro(folder / "kedro", ours)
    floor = Contestant("plain script", lambda: _plain(folder / "plain", ours), FLOOR)
    turn = iter(range(1, 10**9))

    def case(title: str, mine: Measure, theirs: Measure, note: str = "") -> Case:
        contestants = [floor, Contestant("tane", mine, OURS), Contestant("kedro", theirs)]
        return Case(f"fraud, {title}", contestants, repeats=3, warm=False, note=note)

    def changed(title: str, name: str, value: float) -> Case:
        def word() -> str:
            return f"{name}={value * (1 + next(turn) * 1e-4):.9f}"

        return case(title, lambda: ours.again(word()), lambda: kedro.again(word()))

    note = "27,490 card transactions; the plain script saves the same files and does all each time"
    return [
        case("first run", ours.first, kedro.first, note),
        changed("a training parameter changed", LEARNING, 0.001),
        changed("an evaluation parameter changed", ALARMS, 0.01),
        case("nothing changed", ours.settled, kedro.settled),
    ]


def _plain(folder: Path, like: _Tane) -> timing.Sample:
    like.make()
    folder.mkdir(exist_ok=True)
    words = [environments.ensure("tane").python, SCRIPT, like.folder]
    return timing.process(words, folder, {"PYTHONPATH": str(like.folder / "src")})


class _Project:
    """The fraud project of one tool, made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last: tuple[str, ...] | None = None

    def first(self) -> timing.Sample:
        """Time a run after everything that runs made is deleted."""
        self.make()
        made = [self.folder / ".tane", self.folder / "tane.lock", *self.folder.glob("data/0[2-8]_*/*")]
        for path in made:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return self.again()

    def again(self, *overrides: str) -> timing.Sample:
        """Time a run with these parameters."""
        self.make()
        self._last = overrides
        return timing.process(self.words(overrides), self.folder)

    def settled(self) -> timing.Sample:
        """Time a run that follows one just like it."""
        if self._last != ():
            self.again()
        return self.again()

    def make(self) -> None:
        if not self.folder.exists():
            self._make()

    def _make(self) -> None:
        raise NotImplementedError

    def words(self, overrides: tuple[str, ...]) -> list[str | Path]:
        """The command of a run with these parameters."""
        raise NotImplementedError


class _Tane(_Project):
    """The starter as `tane new` makes it."""

    def _make(self) -> None:
        program = environments.ensure("tane").program()
        timing.process([program, "new", "fraud", self.folder, "--starter", "fraud"], self.folder.parent)

    def words(self, overrides: tuple[str, ...]) -> list[str | Path]:
        return [environments.ensure("tane").program(), "run", *overrides]


class _Kedro(_Project):
    """The same project in Kedro: the same functions, pipelines, catalog and parameters."""

    def __init__(self, folder: Path, like: _Tane) -> None:
        super().__init__(folder)
        self._like = like

    def _make(self) -> None:
        self._like.make()
        shutil.copytree(self._like.folder, self.folder, ignore=shutil.ignore_patterns(".tane"))
        package = self.folder / "src/fraud"
        for path in [*package.rglob("pipeline.py"), package / "pipeline_registry.py"]:
            path.write_text(path.read_text().replace("from tane import", "from kedro.pipeline import"))
        # the nodes log their metrics by Tane: here that does nothing, as it does outside of a run
        (self.folder / "src/tane.py").write_text("def log_metric(name, value, step=None):\n    pass\n")
        catalog = self.folder / "conf/base/catalog.yml"
        text = catalog.read_text().replace("${params:import.path}", DATA)
        catalog.write_text(text.replace("${params:inference.path}", "data/01_raw/new_transactions.csv"))
        (self.folder / "pyproject.toml").write_text(graphs.KEDRO.format("fraud"))

    def words(self, overrides: tuple[str, ...]) -> list[str | Path]:
        chosen = [f"--params={','.join(overrides)}"] if overrides else []
        return [environments.ensure("kedro").program(), "run", *chosen]
