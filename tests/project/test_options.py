from __future__ import annotations

import pytest

from tane import errors
from tane.pipeline import demands, graph, nodes
from tane.project import options, projects

PYPROJECT = '[tool.tane]\npackage = "shop"\nkeep = "none"\nremotes = { origin = "s3://a", other = "s3://b" }\n'


@pytest.fixture
def run_yml(shop, write):
    """Opens the project with this run.yml for each environment."""

    def open_with(base="", env="", **others):
        files = {"conf/base/run.yml": base} | {f"conf/{name}/run.yml": text for name, text in others.items()}
        write({"pyproject.toml": PYPROJECT, **files})
        return projects.open_project(shop, env=env or (), environ={})

    return open_with


def node(name, **more):
    return nodes.node(lambda: 1, None, f"{name}_made".replace(".", "_"), name=name, **more)


def test_without_a_word_all_is_as_pyproject_says(run_yml, shop):
    project = run_yml()
    assert project.options() == options.RunOptions()
    assert (project.keep, project.store) == ("none", shop / ".tane/objects")


def test_store_ledger_keep_and_remotes_are_those_of_the_environment(run_yml, shop):
    project = run_yml(
        "store: base/objects\nremotes: {origin: s3://c}",
        "test",
        test="store: /big/objects\nledger: .tane/test.db\nkeep: all",
    )
    assert (str(project.store), project.ledger, project.keep) == ("/big/objects", shop / ".tane/test.db", "all")
    assert project.remotes == {"origin": "s3://c", "other": "s3://b"}
    assert projects.open_project(shop, environ={}).store == shop / "base/objects"


def test_local_comes_last(run_yml, shop):
    assert run_yml("store: a", "test", test="store: b", local="store: c").store == shop / "c"


def test_what_belongs_to_this_copy_stays_in_it(run_yml, shop):
    assert run_yml("store: /big/objects\nledger: /big/ledger.db").home == shop / ".tane"


def test_only_run_yml_is_read_when_a_project_is_opened(run_yml, write):
    write({"conf/base/parameters.yml": "this: is: no yaml"})
    assert run_yml("jobs: 3").options().jobs == 3


def test_all_that_a_run_can_be_told(run_yml):
    found = run_yml(
        """
        executor: threads
        jobs: 4
        retries: 2
        timeout: 1h
        resources: {cpus: 8, memory: 32GB}
        nodes:
          fit: {resources: {gpu: 1}}
          "area_*": {timeout: 4h, retries: {times: 1, delay: 5s}}
        """
    ).options()
    assert (found.executor, found.jobs) == ("threads", 4)
    assert found.default == demands.Demands(demands.Retry(2), 3600)
    assert found.resources == {"cpus": 8, "memory": 32e9}
    assert dict(found.nodes)["area_*"] == demands.Demands(demands.Retry(1, 5), 4 * 3600)


def test_later_patterns_win_over_earlier_ones_the_default_and_code(run_yml):
    found = run_yml(
        """
        timeout: 10
        nodes:
          "*": {timeout: 20}
          tag:slow: {timeout: 30, executor: threads}
          namespace:area_a: {resources: {cpus: 2}}
          area_a.fit: {timeout: 40}
        """
    ).options()
    assert found.demands_for(node("load")).timeout == 20
    assert found.demands_for(node("load", tags="slow")) == demands.Demands(timeout=30, executor="threads")
    of_area = found.demands_for(node("fit", namespace="area_a", timeout=5, retries=3))
    assert of_area == demands.Demands(demands.Retry(3), 40, {"cpus": 2})
    assert found.demands_for(node("fit", namespace="area_a.b")).resources == {"cpus": 2}
    assert found.demands_for(node("fit", namespace="area_ab")).resources == {}


def test_all_mistakes_are_told_with_their_lines(run_yml):
    with pytest.raises(errors.ConfigError) as caught:
        run_yml(
            "job: 4\njobs: 0\nexecutor: thread\ntimeout: soon\nstore: s3://bucket\nkeep: some\n"
            "remotes: [a]\nresources: {gpu: -1}\nnodes:\n  fit: {timout: 3}\n  load: 3\n"
        )
    text = str(caught.value)
    for said in (
        "conf/base/run.yml:1: run.yml has no key 'job'",
        "did you mean 'jobs'?",
        "conf/base/run.yml:2: jobs is 0",
        "conf/base/run.yml:3: there is no executor 'thread'",
        "conf/base/run.yml:4: timeout is 'soon'",
        "conf/base/run.yml:5: store is a URL",
        "conf/base/run.yml:6: keep is 'some'",
        "conf/base/run.yml:7: remotes is not",
        "conf/base/run.yml:8: resources: gpu is -1",
        "conf/base/run.yml:10: there is no key 'timout'",
        "conf/base/run.yml:11: nodes: load is 3",
    ):
        assert said in text


def test_broken_yaml_is_told_with_its_line(run_yml):
    with pytest.raises(errors.ConfigError, match="conf/base/run.yml:2"):
        run_yml("jobs: 3\nkeep: : 3")


def test_patterns_that_match_no_node_are_refused(run_yml):
    project = run_yml(
        "nodes:\n  dubble: {timeout: 3}\n  tag:slwo: {timeout: 3}\n  namespace:x: {timeout: 3}\n  d*: {timeout: 3}"
    )
    known = {"numbers": graph.Pipeline([node("double", tags="slow")])}
    with pytest.raises(errors.ConfigError) as caught:
        project.options().check(known)
    text = str(caught.value)
    assert "conf/base/run.yml:2: nodes: 'dubble' is no node" in text
    assert "did you mean 'double'?" in text
    assert "did you mean 'tag:slow'?" in text
    assert "namespaces there are: none" in text
    assert len(caught.value.faults) == 3


def test_demands_that_can_never_be_met_are_refused(run_yml):
    found = run_yml("resources: {gpus: 1, cpus: 2}").options()
    with pytest.raises(errors.ConfigError) as caught:
        found.check({"all": graph.Pipeline([node("fit", resources={"cpus": 4}), node("tune", resources={"gpu": 1})])})
    assert "node 'fit' asks for 4 cpus, and there is 2 in all" in str(caught.value)
    assert "did you mean 'gpus'?" in str(caught.value)


def test_a_file_has_options_too(write):
    flow = write({"flow.py": "", "conf/base/run.yml": "jobs: 2\nkeep: none"}) / "flow.py"
    project = projects.open_project(flow, environ={})
    assert (project.options().jobs, project.keep) == (2, "none")
