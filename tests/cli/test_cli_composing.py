"""Groups, files from elsewhere and --params on the command line."""

import functools
import http.server
import threading

import pytest

GROUPS = {
    "conf/base/parameters.yml": "defaults:\n  - model: slow\nscale: 2.0\n",
    "conf/base/model/slow.yml": "rate: 0.5\n",
    "conf/base/model/fast.yml": "rate: 0.1\n",
    "conf/staging/parameters.yml": "defaults:\n  - model: fast\n",
}


@pytest.fixture
def grouped(tiny):
    for name, text in GROUPS.items():
        tiny.write(name, text)
    return tiny


def model(project):
    return (project.root / "data/06_models/model.json").read_text()


def test_a_choice_is_run_and_recorded(grouped):
    grouped.run("training")
    first = model(grouped)
    run = grouped.run("training", "model=fast")
    assert model(grouped) != first
    told = grouped.tane("show", run, "--json").json
    assert told["choices"] == {"model": "fast"}
    assert told["params"]["model"] == {"rate": 0.1}


def test_choices_are_shown_with_their_origins(grouped):
    told = grouped.tane("config", "show", "model", "--origin", "model=fast")
    assert told.out.splitlines() == [
        "model       fast  command line model=fast",
        "model.rate  0.1   conf/base/model/fast.yml:1",
    ]
    assert grouped.tane("config", "show", "model", "--origin", "--json").json == {
        "choices.model": {"value": "slow", "origin": "conf/base/parameters.yml:2"},
        "parameters.model.rate": {"value": 0.5, "origin": "conf/base/model/slow.yml:1"},
    }
    assert "model=" not in grouped.tane("config", "show", "scale", "--origin").out


def test_environments_may_differ_by_a_choice(grouped):
    told = grouped.tane("config", "diff", "base", "staging", "--section", "parameters")
    assert told.out.split() == ["base", "staging", "model", "slow", "fast", "model.rate", "0.5", "0.1"]


def test_words_that_begin_with_a_sign_are_no_pipelines(grouped):
    told = grouped.tane("config", "show", "--section", "parameters", "~model")
    assert told.out == "scale: 2.0\n"


def test_mistakes_of_choices_are_told(grouped):
    told = grouped.tane("run", "training", "model=fst", "scal=1")
    assert told.code == 2
    assert "the group 'model' has no option 'fst'; there are: fast, slow" in told.err
    assert "did you mean 'fast'?" in told.err


def test_another_file_of_parameters_is_recorded_as_it_was(grouped):
    file = grouped.write("other.yml", "scale: 7.0\nmodel: {rate: 0.3}\n")
    run = grouped.run("training", "--params", "other.yml")
    file.write_text("scale: 8.0\nmodel: {rate: 0.3}\n")
    told = grouped.tane("show", run, "--json").json
    assert told["params"] == {"scale": 7.0, "model": {"rate": 0.3}}
    shown = grouped.tane("show", run, "--config").out
    assert "scale: 7.0\nmodel: {rate: 0.3}\n" in shown
    assert grouped.tane("run", "training", "--params", "other.yml", "--json").json["params"]["scale"] == 8.0


def test_a_run_on_a_file_of_parameters_has_nothing_to_do_the_second_time_until_it_changes(grouped):
    file = grouped.write("other.yml", "scale: 7.0\nmodel: {rate: 0.3}\n")
    words = ["run", "training", "--params", "other.yml"]
    assert "2 succeeded" in grouped.process(*words).out
    assert "nothing changed" in grouped.process(*words).out
    assert "nothing changed" in grouped.process("status", *words[1:]).out
    file.write_text("scale: 9.0\nmodel: {rate: 0.3}\n")
    assert "2 succeeded" in grouped.process(*words).out


def test_a_run_that_failed_is_replayed_on_the_parameters_it_had(grouped):
    import tane

    file = grouped.write("other.yml", "scale: -1.0\nmodel: {rate: 0.3, more: 1}\n")
    assert grouped.tane("run", "training", "--params", "other.yml", "model.more=2").code == 1
    file.unlink()
    replay = tane.open_project(grouped.root).replay()
    assert replay.arguments["scale"] == -1.0


def test_a_value_still_to_be_given_is_told_before_anything_runs(grouped):
    grouped.write("conf/base/model/slow.yml", "rate: ???\n")
    told = grouped.tane("run", "training")
    assert told.code == 2
    assert "conf/base/model/slow.yml:1: model.rate is still to be given (???)" in told.err
    assert grouped.tane("run", "training", "model.rate=0.5").code == 0


@pytest.fixture
def served(tmp_path_factory):
    """A folder that a server gives, and its URL."""
    folder = tmp_path_factory.mktemp("served")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_run_on_a_server_asks_it_each_time_and_works_without_it(grouped, served):
    folder, url = served
    (folder / "far.yml").write_text("rate: 0.7\n")
    words = ["run", "training", f"model={url}/far.yml"]
    assert "2 succeeded" in grouped.process(*words).out
    assert "2 reused" in grouped.process(*words).out
    (folder / "far.yml").write_text("rate: 0.8\n")
    changed = grouped.process(*words)
    assert "has changed: it was" in changed.out + changed.err
    assert "parameter model.rate 0.7 -> 0.8" in changed.out
    (folder / "far.yml").unlink()
    alone = grouped.process(*words)
    assert "2 reused" in alone.out
    assert "its content of" in alone.out + alone.err
    assert "rate: 0.8" in grouped.tane("show", "last", "--config").out
