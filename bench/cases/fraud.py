"""Real work: the fraud starter by Tane, the same node functions by Kedro, and by a plain script that saves the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import environments
import timing

Case, Contestant = timing.Case, timing.Contestant
SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
STARTER = environments.ROOT / "src/tane/project/starters/fraud"
DATA = "data/01_raw/creditcard_sample.csv.gz"


def cases(folder: Path) -> list[timing.Case]:
    ours, kedro = _Tane(folder / "tane"), _Kedro(folder / "kedro")
    table = folder / "transactions.csv.gz"
    if not table.exists():
        timing.inside([environments.ensure("tane").python, SCRIPTS / "make_transactions.py", table], folder)
    for project in (ours, kedro):
        shutil.copyfile(table, project.folder / DATA)
    script = [environments.ensure("tane").python, SCRIPTS / "fraud_plain.py", ours.folder]
    plain = folder / "plain"
    plain.mkdir(exist_ok=True)
    source = {"PYTHONPATH": str(ours.folder / "src")}
    floor = Contestant("plain script", lambda: timing.process(script, plain, source))
    rate = iter(range(10**9))

    def changed(name: str, value: float) -> list[timing.Contestant]:
        def word() -> str:
            return f"{name}={value * (1 + next(rate) * 1e-4):.9f}"

        return [floor, Contestant("tane", lambda: ours.again(word())), Contestant("kedro", lambda: kedro.again(word()))]

    learning, alarms = "model.neural_network.learning_rate", "evaluation.false_alarm_rate"
    note = "27,490 made-up transactions; the plain script saves the same files and runs all"
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
            [floor, Contestant("tane", ours.again), Contestant("kedro", kedro.again)],
            repeats=3,
        ),
    ]


class _Tane:
    """The starter as `tane new` makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = environments.ensure("tane")
        shutil.rmtree(folder, ignore_errors=True)
        tane = self._environment.program("tane")
        timing.process([tane, "new", "fraud", folder, "--starter", "fraud"], folder.parent)

    def first(self) -> timing.Sample:
        _forget(self.folder)
        return self.again()

    def again(self, *overrides: str) -> timing.Sample:
        return timing.process([self._environment.program("tane"), "run", *overrides], self.folder)


class _Kedro:
    """The starter turned into a Kedro project: the same functions, pipelines, catalog and parameters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = environments.ensure("kedro")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("__pycache__", "tests"))
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

    def first(self) -> timing.Sample:
        _forget(self.folder)
        return self.again()

    def again(self, *overrides: str) -> timing.Sample:
        words = [f"--params={','.join(overrides)}"] if overrides else []
        return timing.process([self._environment.program("kedro"), "run", *words], self.folder)


def _forget(folder: Path) -> None:
    """Leave only what was there before the first run."""
    for place in (folder / ".tane", folder / "tane.lock", *(folder / "data").glob("0[2-8]_*/*")):
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
