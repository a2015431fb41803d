"""Real work: the fraud starter by Tane, the same node functions by Kedro, and by a plain script that saves the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import environments
import timing

Case, Contestant = timing.Case, timing.Contestant
SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
DATA = "data/01_raw/creditcard_sample.csv.gz"


def cases(folder: Path) -> list[timing.Case]:
    ours, kedro = _Tane(folder / "tane"), _Kedro(folder / "kedro", folder / "tane")
    script = [environments.ensure("tane").python, SCRIPTS / "fraud_plain.py", ours.folder]
    plain = folder / "plain"
    plain.mkdir(exist_ok=True)
    source = {"PYTHONPATH": str(ours.folder / "src")}
    floor = Contestant("plain script", lambda: timing.process(script, plain, source))
    turn = iter(range(1, 10**9))

    def changed(name: str, value: float) -> list[timing.Contestant]:
        def word() -> str:
            return f"{name}={value * (1 + next(turn) * 1e-4):.9f}"

        return [floor, Contestant("tane", lambda: ours.again(word())), Contestant("kedro", lambda: kedro.again(word()))]

    learning, alarms = "model.neural_network.learning_rate", "evaluation.false_alarm_rate"
    note = "27,490 card transactions; the plain script saves the same files and runs all"
    return [
        Case(
            "fraud, first run",
            [floor, Contestant("tane", ours.first), Contestant("kedro", kedro.first)],
            repeats=3,
            note=note,
        ),
        Case("fraud, a training parameter changed", changed(learning, 0.001), repeats=3),
        Case("fraud, an evaluation parameter changed", changed(alarms, 0.01), repeats=3),
        Case(
            "fraud, nothing changed",
            [floor, Contestant("tane", ours.settled), Contestant("kedro", kedro.settled)],
            repeats=3,
        ),
    ]


class _Project:
    """The fraud project of one tool."""

    command: tuple[str | Path, ...]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last: tuple[str, ...] | None = None
        shutil.rmtree(folder, ignore_errors=True)

    def first(self) -> timing.Sample:
        """Time a run after everything that runs made is deleted."""
        made = [self.folder / ".tane", self.folder / "tane.lock", *self.folder.glob("data/0[2-8]_*/*")]
        for path in made:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return self.again()

    def again(self, *overrides: str) -> timing.Sample:
        """Time a run with these parameters."""
        self._last = overrides
        return timing.process([*self.command, *self.words(overrides)], self.folder)

    def settled(self) -> timing.Sample:
        """Time a run that follows one just like it."""
        if self._last != ():
            self.again()
        return self.again()

    def words(self, overrides: tuple[str, ...]) -> list[str]:
        return list(overrides)


class _Tane(_Project):
    """The starter as `tane new` makes it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        tane = environments.ensure("tane").program("tane")
        self.command = (tane, "run")
        timing.process([tane, "new", "fraud", folder, "--starter", "fraud"], folder.parent)


class _Kedro(_Project):
    """The same project in Kedro: the same functions, pipelines, catalog and parameters."""

    def __init__(self, folder: Path, like: Path) -> None:
        super().__init__(folder)
        self.command = (environments.ensure("kedro").program("kedro"), "run")
        shutil.copytree(like, folder)
        package = folder / "src/fraud"
        for path in [*package.rglob("pipeline.py"), package / "pipeline_registry.py"]:
            path.write_text(path.read_text().replace("from tane import", "from kedro.pipeline import"))
        # the nodes log their metrics by Tane: here that does nothing, as it does outside of a run
        (folder / "src/tane.py").write_text("def log_metric(name, value, step=None):\n    pass\n")
        catalog = folder / "conf/base/catalog.yml"
        text = catalog.read_text().replace("${params:import.path}", DATA)
        catalog.write_text(text.replace("${params:inference.path}", "data/01_raw/new_transactions.csv"))
        (folder / "pyproject.toml").write_text(
            '[tool.kedro]\npackage_name = "fraud"\nproject_name = "fraud"\n'
            'kedro_init_version = "1.0.0"\nsource_dir = "src"\n'
        )

    def words(self, overrides: tuple[str, ...]) -> list[str]:
        return [f"--params={','.join(overrides)}"] if overrides else []
