"""The fixtures where there is no project: in the tests of a plug-in, or of functions alone."""

import sys

import pytest

from tane import Flow, errors, step
from tane.testing import assert_reused


def test_nodes_run_without_a_project_too(tiny_run, catalog):
    def double(number, by=2):
        return number * by

    assert tiny_run([double], inputs={"number": 4})["double"] == 8
    catalog.save("number", 5)
    assert tiny_run([double], params={"by": 3})["double"] == 15
    assert catalog.load("double") == 15
    assert catalog.names() == ["number"]


def test_without_a_project_the_way_on_is_told(request, tmp_path):
    with pytest.raises(errors.ProjectError, match="no Tane project"):
        request.getfixturevalue("project")


class Sorting(Flow):
    @step
    def start(self, numbers):
        self.sorted = sorted(numbers)
        self.next(self.end)

    @step
    def end(self):
        self.least = self.sorted[0]


def test_a_flow_runs_too(tiny_run):
    run = tiny_run(Sorting, inputs={"numbers": [3, 1, 2]})
    assert run["end"].least == 1
    assert_reused(tiny_run(Sorting, inputs={"numbers": [3, 1, 2]}))


FLOW = """
from tane import Pipeline


def start():
    return 1


def grown(start, by: int = 2):
    return start + by


pipeline = Pipeline([start, grown])
"""


@pytest.fixture
def flow(request, tmp_path_factory):
    """A one-file project, which the test's marker names."""
    file = tmp_path_factory.mktemp("flow") / "tiny_flow.py"
    file.write_text(FLOW)
    request.applymarker(pytest.mark.tane(str(file)))
    yield file
    sys.modules.pop("tiny_flow", None)


def test_a_project_of_one_file_is_sheltered_too(flow, request):
    before = list(sys.path)
    project, tiny_run = request.getfixturevalue("project"), request.getfixturevalue("tiny_run")
    assert project.run()["grown"] == 3
    assert project.run(overrides=["by=5"])["grown"] == 6
    assert tiny_run(params={"by": 7}, env=())["grown"] == 8
    assert project.plan(overrides=["by=5"]).steps[1].action == "reuse"
    assert {path.name for path in flow.parent.iterdir()} - {"__pycache__"} == {"tiny_flow.py"}
    assert sys.path[1:] == before
