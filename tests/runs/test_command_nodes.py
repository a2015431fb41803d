"""Commands as steps: their files, their output and errors, their end, and what makes them run again."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import tane
from tane import errors
from tane.catalog import catalogs
from tane.ledger import connection
from tane.pipeline.commands import command
from tane.plan import transforms
from tane.runs import arguments, commanding, keeping
from tane.store import objects, signatures

EXAMPLES = Path(__file__).parents[2] / "examples" / "commands"


def run(node, *values):
    """What a node that is a command makes of values."""
    return commanding.in_memory(node.func, node.name, values)


def failure(node, *values):
    with pytest.raises(errors.UserCodeError) as caught:
        run(node, *values)
    return caught.value


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder as the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text ö\n", "text ö\n"),
        ("", ""),
        (b"\xff\x00\xfe", b"\xff\x00\xfe"),
        (3, "3\n"),
        (2.5, "2.5\n"),
        (True, "true\n"),
        ([1, {"a": None}], '[1, {"a": null}]\n'),
        ({"ö": 1.5}, '{"ö": 1.5}\n'),
    ],
)
def test_a_value_is_handed_over_as_a_file(value, content):
    assert run(command("cp {it} {copy}", "it", "copy"), value) == content


def test_what_is_no_file_must_be_catalogued_as_one():
    error = failure(command("cat {it}", "it"), object())
    assert "input 'it' of node 'cat' is a object and no file" in error.what
    assert "catalogue 'it' with a type that is a file" in error.hint


def test_an_input_that_is_taken_for_the_order_alone_may_be_anything():
    assert run(command("date", "it"), object()) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b; date", "a b; date"), (1, "1"), (0.1, "0.1"), (False, "false"), (None, "null"), ([1, "x"], '[1, "x"]')],
)
def test_a_parameter_is_text(value, text):
    assert run(command("printf %s {params:it}", "params:it", "shown"), value) == text


def test_parameters_keep_the_kind_of_a_numpy_number():
    numpy = pytest.importorskip("numpy")
    assert run(command("printf %s {params:it}", "params:it", "shown"), numpy.float64(0.5)) == "0.5"


def test_one_output_that_is_not_named_is_what_is_printed():
    assert run(command("echo one; echo two", None, "shown")) == "one\ntwo"
    assert run(command("printf 'x\\377'", None, "shown")) == b"x\xff"
    assert run(command("true", None, "shown")) == ""


def test_several_outputs_come_as_a_list_in_their_order():
    node = command("printf 1 > {first}; printf 2 > {second}; printf 3", None, ["second", "first", "shown"])
    assert run(node) == ["2", "1", "3"]
    assert run(command("date > {a}", None, ["a"]))[0].endswith("\n")


def test_all_that_is_taken_and_made_is_in_the_environment_too():
    text = 'cat "$TANE_INPUT_IT" > "$TANE_OUTPUT_COPY"; printf %s "$TANE_PARAM_MODEL_LR" "$TANE_PARAMETERS"'
    node = command(text, ["it", "params:model.lr", "parameters"], ["copy", "shown"])
    assert run(node, "text", 0.1, {"a": 1}) == ["text", '0.1{"a": 1}']


def test_a_program_may_find_the_output_in_its_environment(here, caplog):
    (here / "fit.sh").write_text('echo working; printf %s model > "$TANE_OUTPUT_MODEL"')
    with caplog.at_level(logging.INFO, "tane.command"):
        assert run(command("sh fit.sh", None, "model")) == "model"
    assert caplog.messages == ["working"]


def test_it_reads_nothing_and_has_the_environment_of_the_user(monkeypatch):
    monkeypatch.setenv("OF_THE_USER", "x")
    monkeypatch.setenv("TANE_INPUT_OTHER", "left over")
    assert run(command('cat; echo "$OF_THE_USER" "$TANE_INPUT_OTHER."', None, "shown")) == "x ."


def test_the_first_line_that_fails_ends_it():
    assert "exit code 1" in failure(command("false\necho on", None, "shown")).what


def test_it_works_in_the_current_folder(here):
    assert run(command("pwd -P", None, "shown")) == os.path.realpath(here)


def test_bash_is_bash():
    assert run(command("x=(a b); echo ${{x[1]}}", None, "shown", shell="bash")) == "b"


# --- errors --------------------------------------------------------------------------------------------------------


def test_an_error_has_the_code_the_last_lines_and_the_command():
    node = command("echo no; seq 1 20 >&2; cat {it} >&2; exit 3", "it", name="fit")
    error = failure(node, "bad 'value'\n")
    assert error.what == "node 'fit' failed: exit code 3: bad 'value'"
    lines = error.traceback.splitlines()
    assert lines[0].startswith("$ echo no; seq 1 20 >&2; cat /") and lines[0].endswith("it.txt >&2; exit 3")
    assert lines[1:] == [*(str(number) for number in range(12, 21)), "bad 'value'"]
    assert "subprocess.CalledProcessError" in error.raised


def test_what_was_printed_is_shown_where_nothing_was_said_as_an_error():
    assert failure(command("echo why; exit 1")).what.endswith("exit code 1: why")


@pytest.mark.parametrize(
    ("text", "how", "hint"),
    [
        ("kill -SEGV $$", "it was ended by SIGSEGV", "mend it"),
        ("sh -c 'kill -KILL $$'; exit $?", "exit code 137 (SIGKILL)", "memory ran out"),
        ("exec ./missing", "exit code 127", "install the program"),
        ("touch x; exec ./x", "exit code 126", "chmod +x"),
    ],
)
def test_the_end_of_a_command_is_told_in_words(here, text, how, hint):
    error = failure(command(text))
    assert how in error.what and hint in error.hint


def test_an_output_that_was_not_written_is_missed(here):
    error = failure(command("echo x > {model}.rds", None, "model"))
    assert "did not write output 'model'" in error.what
    assert "it wrote model.rds there, not model" in error.hint


def test_an_input_may_not_be_changed():
    assert "changed its input it" in failure(command("echo more >> {it}", "it"), "text").what
    assert "changed its input it" in failure(command("rm {it}", "it"), "text").what


def test_a_parameter_that_no_command_can_take_is_refused():
    assert "is too long" in failure(command("true {params:it}", "params:it"), "x" * 200_000).what
    assert "zero byte" in failure(command("true {params:it}", "params:it"), "a\0b").what


def test_a_folder_is_no_value():
    assert "is not catalogued" in failure(command("mkdir {parts}", None, "parts")).what


def test_a_missing_shell_says_so(monkeypatch, tmp_path):
    node = command("date", shell="mksh")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.UsageError, match="there is no program 'mksh'"):
        run(node)


# --- the log -------------------------------------------------------------------------------------------------------


def test_what_it_says_goes_into_the_log_line_by_line(caplog):
    with caplog.at_level(logging.INFO, "tane.command"):
        run(command("printf 'a\\nb\\303'; printf '\\266\\n0%%\\r50%%\\r100%%\\nend'; echo warn >&2"))
    assert sorted(caplog.messages) == sorted(["a", "bö", "100%", "end", "warn"])
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def test_a_line_without_end_is_cut(caplog):
    with caplog.at_level(logging.INFO, "tane.command"):
        run(command("head -c 1000000 /dev/zero | tr '\\0' x"))
    assert "".join(caplog.messages) == "x" * 1_000_000
    assert max(map(len, caplog.messages)) < 200_000


LARGE = """
from tane.pipeline.commands import command
from tane.runs import commanding, following
made = command("head -c 300000000 /dev/zero; head -c 100000000 /dev/zero >&2", None, "large").func
kept = commanding.Written.value
commanding.Written.value = lambda self: self.path.stat().st_size
print(commanding.in_memory(made, "large", []))
status = open("/proc/self/status").read()  # the kernel's other count begins with what the parent had
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""


def test_large_output_does_not_go_through_memory():
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    size, peak = map(int, done.stdout.split())
    assert size == 300_000_000
    assert peak < 150  # MiB


# --- its end -------------------------------------------------------------------------------------------------------


def wait_until(holds):
    for _ in range(200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def is_alive(pid):
    """Whether a process works; one that has ended may not have been waited for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids(folder):
    return [int(path.read_text()) for path in folder.glob("*.pid") if path.read_text().strip()]


SLOW = "sh -c 'echo $$ > one.pid; sleep 600' & echo $$ > two.pid; sh -c 'echo $$ > three.pid; sleep 600'"

ALONE = """
from tane.pipeline.commands import command
from tane.runs import commanding
made = command({text!r}).func
commanding.in_memory(made, "slow", [])
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_all_it_started_ends_with_us(here, number):
    process = subprocess.Popen([sys.executable, "-c", ALONE.format(text=SLOW)], stderr=subprocess.DEVNULL)
    wait_until(lambda: len(pids(here)) == 3)
    found = pids(here)
    assert all(map(is_alive, found))
    process.send_signal(number)
    process.wait(20)
    wait_until(lambda: not any(map(is_alive, found)))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are looked up in /proc")
def test_one_that_does_not_want_to_end_is_killed(here):
    text = "trap '' TERM INT; echo $$ > one.pid; while true; do sleep 0.1; done"
    process = subprocess.Popen([sys.executable, "-c", ALONE.format(text=text)], stderr=subprocess.DEVNULL)
    wait_until(lambda: len(pids(here)) == 1)
    found = pids(here)
    process.send_signal(signal.SIGINT)
    process.wait(20)
    assert not any(map(is_alive, found))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are looked up in /proc")
def test_what_it_leaves_behind_is_ended(here):
    assert run(command("sleep 600 & echo $! > left.pid; echo done", None, "shown")) == "done"
    wait_until(lambda: not any(map(is_alive, pids(here))))


def test_it_takes_interrupts_where_we_ignore_them():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert "SIGINT" in failure(command("kill -INT $$; echo on")).what
    finally:
        signal.signal(signal.SIGINT, before)


# --- files of the store --------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path):
    store = objects.Objects(tmp_path / "objects")
    ledger = connection.open_ledger(tmp_path / "ledger.db")
    yield arguments.Place(store, ledger)
    store.close()
    ledger.close()


def catalogued(root, **entries):
    catalog = catalogs.Catalog.from_config(
        {name: {"type": kind, "filepath": path} for name, (kind, path) in entries.items()}, {}, root
    )
    return {name: catalog.find(name) for name in entries}


def stored(place, dataset, content):
    return arguments.Filed(dataset, place.store.put(content))


def test_a_dataset_is_read_and_written_as_its_file(here, place):
    found = catalogued(here, table=("text", "data/table.csv"), copy=("text", "data/copy.csv"))
    node = command("cp {table} {copy}; basename {table}; basename {copy}", "table", ["copy", "names"])
    outputs = [keeping.Output("copy", found["copy"], True), keeping.Output("names", None, True)]
    done = commanding.perform(node.func, node.name, [stored(place, found["table"], b"a,b\n")], outputs, place, here)
    copy, names = (made.kept for made in done.outputs)
    assert place.store.read(copy.file) == b"a,b\n" and copy.digest == copy.file and copy.bytes == 4
    assert copy.save == keeping.save_digest(found["copy"])
    assert done.outputs[1].value == "table.csv\ncopy.csv" and names.value
    assert done.peak_memory > 0


def test_a_large_input_is_not_copied(here, place):
    found = catalogued(here, table=("text", "data/table.csv"))
    node = command("readlink {table}", "table", "shown")
    given = [stored(place, found["table"], b"x" * 2_000_000)]
    (made,) = commanding.perform(node.func, "n", given, [keeping.Output("shown", None, True)], place, here).outputs
    assert made.value.startswith(str(place.store.root))


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_what_the_store_holds_may_not_be_changed(here, place, size):
    found = catalogued(here, table=("text", "data/table.csv"))
    node = command("echo y >> {table}", "table")
    given = [stored(place, found["table"], b"x" * size)]
    with pytest.raises(errors.UserCodeError, match="changed its input table|Permission denied"):
        commanding.perform(node.func, "n", given, [], place, here)


def test_a_source_in_place_may_not_be_changed(here, place):
    found = catalogued(here, table=("text", "table.csv"))
    path = here / "table.csv"
    path.write_text("a")
    argument = arguments.Filed(found["table"], "", path, signatures.of(path))
    assert (
        "a"
        in commanding.perform(
            command("cat {table}", "table", "shown").func,
            "n",
            [argument],
            [keeping.Output("shown", None, True)],
            place,
            here,
        )
        .outputs[0]
        .value
    )
    with pytest.raises(errors.UserCodeError, match="changed its input"):
        commanding.perform(command("echo b > {table}", "table").func, "n", [argument], [], place, here)


def test_the_file_is_what_input_transforms_make_of_it(here, place):
    found = catalogued(here, table=("text", "table.txt"))
    upper = SimpleNamespace(transform=lambda name, value: value.upper())
    reference = transforms.Reference("upper", "upper:upper", upper)
    argument = arguments.Transformed(stored(place, found["table"], b"text"), "table", (reference,))
    node = command("cat {table}; basename {table}", "table", "shown")
    done = commanding.perform(node.func, "n", [argument], [keeping.Output("shown", None, True)], place, here)
    assert done.outputs[0].value == "TEXTtable.txt"


def test_what_is_printed_becomes_a_file(here, place):
    found = catalogued(here, shown=("text", "data/shown.txt"))
    node = command("echo a; echo b", None, "shown")
    done = commanding.perform(node.func, "n", [], [keeping.Output("shown", found["shown"], True)], place, here)
    assert place.store.read(done.outputs[0].kept.file) == b"a\nb\n"


def test_a_folder_may_be_an_output_where_its_dataset_takes_one(here, place):
    pytest.importorskip("pandas")
    found = catalogued(here, parts=("pandas.ParquetDataset", "data/parts.parquet"), one=("text", "data/one.txt"))
    node = command("mkdir {parts}; echo a > {parts}/a; echo b > {parts}/b", None, "parts")
    done = commanding.perform(node.func, "n", [], [keeping.Output("parts", found["parts"], True)], place, here)
    assert [path for path, _ in place.store.files(done.outputs[0].kept.file)] == ["a", "b"]
    with pytest.raises(errors.UserCodeError, match="made a folder"):
        commanding.perform(node.func, "n", [], [keeping.Output("parts", found["one"], True)], place, here)


# --- in a project --------------------------------------------------------------------------------------------------

FLOW = """
from tane import Pipeline, command, node

def length(text):
    return len(text)

pipeline = Pipeline([
    command("sh bin/shout.sh {words} --times {params:times} > {loud}", ["words", "params:times"], "loud", name="shout"),
    command("sort {loud} | uniq", "loud", "text", name="unique", sources="lib"),
    node(length, "text", "length"),
])
"""

CATALOG = """
words: {type: text, filepath: data/words.txt}
loud: {type: text, filepath: data/loud.txt}
"""

SHOUT = """
echo shouting
echo warning >&2
for i in $(seq "$3"); do tr a-z A-Z < "$1"; done
"""


@pytest.fixture
def flow(box):
    """A one-file project whose steps are commands."""
    box.write("flow.py", FLOW)
    shutil.rmtree(box.root / "src")
    box.write("conf/base/catalog.yml", CATALOG)
    box.write("conf/base/parameters.yml", "times: 2\n")
    box.write("data/words.txt", "one\ntwo\n")
    box.write("bin/shout.sh", SHOUT)
    box.write("lib/rules.txt", "x")
    return box


def ran(box, *options):
    return box.run("flow.py", *options).ran


def test_a_pipeline_of_commands_runs_once(flow):
    ended = flow.run("flow.py")
    assert ended.ran == ["shout", "unique", "length"]
    assert (flow.root / "data/loud.txt").read_text() == "shouting\n" + "ONE\nTWO\n" * 2
    assert ran(flow) == []
    assert "nothing changed" in flow.tane("run", "flow.py").out + flow.tane("run", "flow.py").out


def test_a_script_that_is_named_counts_and_nothing_else_does(flow):
    ran(flow)
    flow.write("bin/other.sh", "echo")
    assert ran(flow) == []
    flow.edit("bin/shout.sh", "a-z A-Z", "o 0")
    again = flow.run("flow.py")
    assert again.ran == ["shout", "unique", "length"]
    assert again.reasons["shout"] == ["code changed: script bin/shout.sh"]


def test_the_no_op_sees_scripts_and_sources(flow):
    flow.tane("run", "flow.py")
    assert "nothing changed" in flow.tane("run", "flow.py").out
    for name, text in (("bin/shout.sh", SHOUT + "echo"), ("lib/rules.txt", "y"), ("lib/more.txt", ""), ("uniq", "")):
        flow.write(name, text)
        assert "nothing changed" not in flow.tane("run", "flow.py").out
        assert "nothing changed" in flow.tane("run", "flow.py").out


def test_sources_parameters_text_and_file_names_count(flow):
    ran(flow)
    flow.write("lib/rules.txt", "y")
    assert flow.run("flow.py").reasons == {"unique": ["code changed: script lib/rules.txt"]}
    assert ran(flow, "times=3")[0] == "shout"
    flow.edit("flow.py", "| uniq", "| uniq ")
    assert "code changed: command" in flow.run("flow.py").reasons["unique"]
    flow.edit("conf/base/catalog.yml", "data/loud.txt", "data/loud.csv")
    assert flow.run("flow.py").ran == ["shout", "unique"]


def test_a_part_that_makes_the_same_stops_there(flow):
    ran(flow)
    flow.edit("bin/shout.sh", "a-z A-Z", "[:lower:] [:upper:]")
    assert ran(flow) == ["shout"]


def test_commands_run_in_worker_processes_too(flow):
    assert sorted(ran(flow, "-j", "2")) == ["length", "shout", "unique"]
    assert (flow.root / "data/loud.txt").read_text().endswith("TWO\n")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_a_command_says_is_in_the_log_of_the_run(flow, jobs):
    run_id = flow.run("flow.py", "-j", jobs).json["id"]
    lines = map(json.loads, (flow.root / ".tane/runs" / run_id / "log.jsonl").read_text().splitlines())
    said = [(line["node"], line["logger"], line["message"]) for line in lines if line["event"] == "log"]
    assert said == [("shout", "tane.command", "warning")]


def test_a_failing_command_shows_what_it_said(flow):
    flow.write("bin/shout.sh", "echo 'no such word' >&2; exit 4")
    ended = flow.tane("run", "flow.py")
    assert ended.code == 1
    assert "node 'shout' failed: exit code 4: no such word" in ended.err
    assert "--times 2 > " in ended.err


def test_what_cannot_be_run_is_told_before_anything_runs(flow):
    flow.edit("flow.py", '"sort {loud} | uniq"', '"sorrt {loud} | uniqq"')
    flow.edit("flow.py", 'sources="lib"', 'sources="libb"')
    ended = flow.tane("run", "flow.py")
    assert ended.code == 2
    assert "'sorrt' is not installed" in ended.err and "'uniqq'" in ended.err
    assert "there is no source 'libb'" in ended.err and "did you mean 'lib'?" in ended.err
    assert not (flow.root / "data/loud.txt").exists()


def test_a_missing_parameter_is_told_before_anything_runs(flow):
    flow.write("conf/base/parameters.yml", "time: 2\n")
    ended = flow.tane("run", "flow.py")
    assert ended.code == 2 and "times" in ended.err


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are looked up in /proc")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_ends_what_a_command_started(flow, jobs):
    flow.write("bin/shout.sh", SLOW)
    process = flow.start("flow.py", "-j", jobs)
    wait_until(lambda: len(pids(flow.root)) == 3)
    found = pids(flow.root)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    wait_until(lambda: not any(map(is_alive, found)))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are looked up in /proc")
def test_a_command_that_takes_too_long_is_ended_with_all_it_started(flow):
    flow.write("bin/shout.sh", SLOW)
    flow.edit("flow.py", 'name="shout"', 'name="shout", timeout=1.5')
    ended = flow.tane("run", "flow.py")
    assert ended.code == 1 and "1.5" in ended.err
    found = pids(flow.root)
    assert len(found) == 3
    wait_until(lambda: not any(map(is_alive, found)))


def test_a_command_works_in_the_folder_of_its_project(flow):
    inside = flow.root / "data"
    done = subprocess.run(
        [sys.executable, "-m", "tane", "run", "../flow.py", "--json"], cwd=inside, capture_output=True, text=True
    )
    assert json.loads(done.stdout)["status"] == "succeeded", done.stderr


def test_a_command_is_done_item_by_item(flow):
    flow.write(
        "flow.py",
        """
from tane import Pipeline, command

pipeline = Pipeline([
    command("wc -l < {word}", {"word": "words"}, "sizes", over="words", name="size"),
    command("cat {sizes}", "sizes", "shown"),
])
""",
    )
    flow.write("conf/base/catalog.yml", "words: {type: json, filepath: data/words.json}")
    flow.write("data/words.json", json.dumps({"a": 1, "b": "x\ny\n"}))
    flow.write("conf/base/parameters.yml", "{}")
    ended = flow.run("flow.py")
    assert ended.code == 0, ended.err
    assert tane.open_project(flow.root / "flow.py").run()["shown"].split() == ['{"a":', '"1",', '"b":', '"2"}']


# --- without a project ---------------------------------------------------------------------------------------------


def test_commands_and_functions_run_in_memory(here):
    (here / "data.txt").write_text("b\na\n")
    nodes = [
        command("sort data.txt", None, "ordered"),
        tane.node(str.split, "ordered", "words"),
        command("cat {words}; echo {params:end}", ["words", "params:end"], "shown", name="show"),
    ]
    found = tane.run(nodes, params={"end": "the end"})
    assert found["shown"] == '["a", "b"]\nthe end'


def test_a_missing_program_is_told_before_a_run_in_memory():
    with pytest.raises(errors.UsageError, match="'no-such-program' is not installed"):
        tane.run([command("no-such-program {x}", "x")], inputs={"x": 1})


# --- examples ------------------------------------------------------------------------------------------------------


@pytest.fixture
def example(tmp_path, box):
    """The examples, copied, and the command there."""
    box.root = tmp_path / "commands"
    shutil.copytree(EXAMPLES, box.root)
    return box


@pytest.mark.skipif(shutil.which("awk") is None, reason="there is no awk")
def test_the_example_of_shell_and_awk(example):
    pytest.importorskip("pandas")
    assert example.run("flow.py").ran == ["clean", "sum up", "heaviest"]
    lines = (example.root / "data/mass.csv").read_text().splitlines()
    assert lines == ["species,count,mean_g", "Adelie,17,3751.5", "Chinstrap,22,3722.7", "Gentoo,22,5086.4"]
    assert example.run("flow.py").ran == []


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="there is no R: apt-get install r-base-core")
def test_the_example_of_r(example):
    pytest.importorskip("pandas")
    first = example.run("regression.py")
    assert first.ran == ["clean", "fit", "predicted"]
    assert first.json["metrics"]["mass_at_200_mm"]["last"] == pytest.approx(4139.42, abs=0.01)
    other = example.run("regression.py", "species=Gentoo")
    assert other.reasons["fit"] == ["parameter species Adelie -> Gentoo"]


def test_the_example_of_tasks(example):
    for _ in range(2):
        assert example.run("tasks.py").ran == ["task1", "task2", "task3"]
