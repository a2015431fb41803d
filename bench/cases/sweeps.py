"""Sweeps: what one more job costs over its work, beside Hydra's multirun; and twenty variants of a training that share
five steps, beside a loop written by hand.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import environments
import timing
from contests import FLOOR, OURS, PEER, Case, Contestant

MORE = 100  # jobs that are counted: those of a long sweep, less those of a short one
VARIANTS = 20
STEPS = 5  # before the training, shared by all variants

JOB = """
import tane


def score(rate: float = 0.5) -> float:
    tane.log_metric("score", rate * 2)
    return rate * 2


pipeline = tane.Pipeline([score])
"""
HYDRA = """
import hydra


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    return cfg.rate * 2


main()
"""
WORK = """
from hashlib import pbkdf2_hmac


def work(text):
    return pbkdf2_hmac("sha256", str(text).encode(), b"salt", 1_500_000).hex()

"""
SHARED = "".join(f"\ndef step{at}(step{at - 1}):\n    return work(step{at - 1})\n" for at in range(2, STEPS + 1))
LONG = f"""
import tane
{WORK}
def step1():
    return work("begin")

{SHARED}
def fit(step{STEPS}, rate: float = 0.5):
    made = work((step{STEPS}, rate))
    tane.log_metric("score", int(made[:8], 16))
    return made


pipeline = tane.Pipeline([{", ".join(f"step{at}" for at in range(1, STEPS + 1))}, fit])
"""
BY_HAND = f"""
{WORK}
made = work("begin")
for _ in range({STEPS - 1}):
    made = work(made)
scores = [int(work((made, rate))[:8], 16) for rate in range({VARIANTS})]
print(max(scores))
"""


def cases(folder: Path) -> list[Case]:
    for name, text in (
        ("job.py", JOB),
        ("long.py", LONG),
        ("by_hand.py", BY_HAND),
        ("hydra_app.py", HYDRA),
        ("conf/config.yaml", "rate: 0.5\n"),
        ("conf/base/parameters.yml", ""),
    ):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    shutil.move(folder / "conf/config.yaml", _folder(folder / "hydra/conf") / "config.yaml")
    shutil.move(folder / "hydra_app.py", folder / "hydra/hydra_app.py")

    def sweep(flow: str, count: int, *more: str) -> timing.Sample:
        shutil.rmtree(folder / ".tane", ignore_errors=True)
        program = environments.ensure("tane").program()
        return timing.process([program, "sweep", flow, f"rate=range({count})", *more], folder)

    def hydra(count: int) -> timing.Sample:
        shutil.rmtree(folder / "hydra/multirun", ignore_errors=True)
        python = environments.ensure("hydra").python
        return timing.process([python, "hydra_app.py", "-m", f"rate=range({count})"], folder / "hydra")

    def by_hand() -> timing.Sample:
        return timing.process([environments.ensure("tane").python, "by_hand.py"], folder)

    return [
        Case(
            "one more job of a sweep",
            [
                Contestant("tane", lambda: _less(sweep("job.py", MORE + 10), sweep("job.py", 10)), OURS),
                Contestant("hydra", lambda: _less(hydra(MORE + 10), hydra(10)), PEER),
            ],
            goal=0.003,
            elsewhere={"hydra": 0.065},
            per=MORE,
            repeats=5,
            note=f"{MORE + 10} jobs less 10, as whole processes: each job multiplies two numbers; Tane records it and "
            "keeps its value, Hydra writes a folder",
        ),
        Case(
            f"a sweep of {VARIANTS} variants that share {STEPS} steps",
            [
                Contestant("loop by hand", by_hand, FLOOR),
                Contestant("tane", lambda: sweep("long.py", VARIANTS), OURS),
                Contestant("tane -j 2", lambda: sweep("long.py", VARIANTS, "-j", "2"), OURS),
            ],
            repeats=3,
            warm=False,
            note="whole processes; the loop by hand records nothing and works in one process; the goal is 5 % over it",
        ),
    ]


def _less(long: timing.Sample, short: timing.Sample) -> timing.Sample:
    return timing.Sample(long.wall - short.wall, long.cpu - short.cpu)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
