"""Tane beside the real Kedro and Hydra. `make conformance` installs each into an environment of its own and runs these
tests.

Each answers from one process, which is asked one question after the other; see `kedro_side` and `hydra_side`.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".envs"

EXAMPLES = int(os.environ.get("EXAMPLES", "300"))  # make conformance EXAMPLES=5000 looks longer

settings.register_profile(
    "conformance", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("conformance")


class Refusal(Exception):
    """The other's no, in its own words."""


class Other:
    """Another tool in a process of its own."""

    def __init__(self, name, said):
        python = ENVIRONMENTS / name / "bin" / "python"
        assert python.exists(), f"{name} is not installed: run these tests by `make conformance`"
        self._said = said
        self._name = name
        reading, writing = os.pipe()
        with said.open("w") as printed:
            self._process = subprocess.Popen(
                [python, "-W", "ignore", HERE / f"{name}_side.py", str(writing)],
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=printed,
                text=True,
                pass_fds=[writing],
                env={**os.environ, "DO_NOT_TRACK": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        os.close(writing)
        self._answers = os.fdopen(reading, encoding="utf-8")

    def ask(self, what, *arguments):
        """What it says to a question; raises `Refusal` where it refuses."""
        self._process.stdin.write(json.dumps([what, arguments]) + "\n")
        self._process.stdin.flush()
        line = self._answers.readline()
        assert line, f"the process of {self._name} ended:\n{self._said.read_text()}"
        answer = json.loads(line)
        if "refused" in answer:
            raise Refusal(answer["refused"]) from RuntimeError(answer["where"])
        return answer["is"]

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._answers.close()


@pytest.fixture(scope="session")
def kedro(tmp_path_factory):
    """Kedro, to be asked."""
    asked = Other("kedro", tmp_path_factory.mktemp("kedro") / "stderr.txt")
    yield asked
    asked.close()


@pytest.fixture(scope="session")
def hydra(tmp_path_factory):
    """Hydra and OmegaConf, to be asked."""
    asked = Other("hydra", tmp_path_factory.mktemp("hydra") / "stderr.txt")
    yield asked
    asked.close()
